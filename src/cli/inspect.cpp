// tenon inspect: what a file holds.
#include <fmt/format.h>

#include <memory>

#include "cli/model_options.h"
#include "cli/summary.h"

namespace tenon::cli {
namespace {

struct Options {
  std::string file;
  ModelOptions reading;
};

std::string operators_text(const std::map<std::string, size_t>& operators) {
  std::vector<std::pair<std::string, size_t>> sorted(operators.begin(), operators.end());
  std::ranges::stable_sort(sorted, std::greater{}, &std::pair<std::string, size_t>::second);
  std::string out;
  size_t total = 0;
  for (const auto& [op, count] : sorted) {
    out += fmt::format("  {:>6}  {}\n", count, op);
    total += count;
  }
  return fmt::format("operators: {}\n{}", quantity(total), out);
}

Status run(const Options& options, const Globals& globals) {
  const api::Tables tables = api::make_tables();
  const api::LoadOptions reading = TRY(options.reading.parse());
  const api::Loaded loaded = TRY(api::load_graph(options.file, reading, tables));
  const ir::Graph& graph = *loaded.graph;
  const ParameterCount parameters = count_parameters(graph);
  const auto operators = count_operators(graph);
  if (globals.json) {
    Json report = {{"file", options.file}, {"kind", archive::describe(loaded.kind)}};
    report.update(interface_json(graph));
    report["operators"] = operators;
    report["parameters"] = parameters.elements;
    report["parameter_bytes"] = parameters.bytes;
    report["metadata"] = Json::object();
    for (const auto& [key, value] : graph.metadata) report["metadata"][key] = value;
    report["notices"] = notices_json(loaded.notices);
    fmt::print("{}\n", report.dump(2));
    return {};
  }
  fmt::print("{}: {}\n{}", options.file, archive::describe(loaded.kind), interface_text(graph));
  fmt::print("{}parameters: {} ({})\n", operators_text(operators), quantity(parameters.elements),
             megabytes(parameters.bytes));
  if (!graph.metadata.empty()) fmt::print("metadata\n");
  for (const auto& [key, value] : graph.metadata) fmt::print("  {}: {}\n", key, value);
  if (!loaded.notices.empty()) fmt::print("notices\n");
  for (const torch::Notice& notice : loaded.notices) fmt::print("  {}\n", notice_text(notice));
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<Options>();
  app.add_option("FILE", options->file, "a model, an ONNX file or a plan")->required();
  options->reading.declare(app, false);
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Command inspect_command() {
  return {.name = "inspect",
          .about = "Say what a model, ONNX file or plan holds",
          .example = "  tenon inspect resnet18.pt --opset 11\n",
          .declare = declare};
}

}  // namespace tenon::cli
