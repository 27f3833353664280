// tenon inspect: what a file holds.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "api/engine_file.h"
#include "api/session.h"
#include "cli/inspect_engine.h"
#include "cli/model_options.h"
#include "cli/summary.h"
#include "ir/printer.h"
#include "onnx/lower.h"
#include "passes/compare.h"
#include "plan/plan.h"

namespace tenon::cli {
namespace {

constexpr int kDefaultOpset = 17;

struct Options {
  std::string file, target;
  int opset = 0;
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

// What was found in the file, whatever its kind.
struct Contents {
  std::string kind;
  std::unique_ptr<ir::Graph> graph;
  api::Loaded remarks;  // its notices and suspicions; not the graph
  std::optional<plan::Contents> plan;
};

Result<Contents> read(const Options& options, const api::Tables& tables) {
  if (!api::is_plan(options.file)) {
    api::Loaded loaded = TRY(api::load_graph(options.file, TRY(options.reading.parse()), tables));
    return Contents{.kind = std::string(archive::describe(loaded.kind)),
                    .graph = std::move(loaded.graph),
                    .remarks = std::move(loaded),
                    .plan = {}};
  }
  auto contents = plan::read(TRY(MappedFile::open(options.file)), tables.ops, {});
  if (!contents) return fail(with_where(std::move(contents).error(), {.file = options.file}));
  Contents out{.kind = "a plan of the CPU engine", .graph = {}, .remarks = {}, .plan = {}};
  out.graph = std::move(contents->graph);
  out.plan = std::move(*contents);
  return out;
}

uint64_t packed_bytes(const plan::Contents& plan) {
  uint64_t sum = 0;
  for (const plan::PackedBlob& blob : plan.packed) sum += blob.bytes;
  return sum;
}

Json plan_json(const plan::Contents& plan) {
  return {
      {"library", plan.library},
      {"instruction_set", plan.isa},
      {"threads", plan.threads},
      {"disabled", plan.disabled},
      {"packed_bytes", packed_bytes(plan)},
      {"tactics", std::map<std::string, std::string>(plan.tactics.begin(), plan.tactics.end())}};
}

void print_contents(const Options& options, const Contents& contents, const Globals& globals) {
  const ir::Graph& graph = *contents.graph;
  const ParameterCount parameters = count_parameters(graph);
  fmt::print("{}: {}\n{}", options.file, contents.kind, interface_text(graph));
  fmt::print("{}parameters: {} ({})\n", operators_text(count_operators(graph)),
             quantity(parameters.elements), megabytes(parameters.bytes));
  if (contents.plan) {
    const plan::Contents& plan = *contents.plan;
    fmt::print("built for {}, instruction set {}, {} threads; packed weights {}, {} tactics\n",
               plan.library, plan.isa, plan.threads, megabytes(packed_bytes(plan)),
               plan.tactics.size());
  }
  if (!graph.metadata.empty()) fmt::print("metadata\n");
  for (const auto& [key, value] : graph.metadata) fmt::print("  {}: {}\n", key, value);
  fmt::print("{}", remarks_text(contents.remarks, globals.verbose));
  if (globals.verbose) fmt::print("graph\n{}", ir::print(graph));
}

Json contents_json(const Options& options, const Contents& contents) {
  const ir::Graph& graph = *contents.graph;
  const ParameterCount parameters = count_parameters(graph);
  Json out = {{"file", options.file}, {"kind", contents.kind}};
  out.update(interface_json(graph));
  out["operators"] = count_operators(graph);
  out["parameters"] = parameters.elements;
  out["parameter_bytes"] = parameters.bytes;
  out["digest"] = passes::digest(graph);
  if (contents.plan) out["plan"] = plan_json(*contents.plan);
  out["metadata"] = Json::object();
  for (const auto& [key, value] : graph.metadata) out["metadata"][key] = value;
  out["notices"] = notices_json(contents.remarks.notices);
  out["suspicions"] = notices_json(contents.remarks.suspicions);
  return out;
}

Json refusal_json(const std::string& target, const std::optional<Error>& refusal) {
  Json out = {{"name", target}, {"takes_everything", !refusal}, {"cannot_take", Json::array()}};
  if (!refusal) return out;
  const std::vector<Error> whole{*refusal};
  for (const Error& entry : refusal->details.empty() ? whole : refusal->details) {
    out["cannot_take"].push_back({{"what", entry.what},
                                  {"why", entry.why},
                                  {"node", entry.where.node},
                                  {"module", entry.where.module},
                                  {"source", entry.where.source},
                                  {"try", entry.hint}});
  }
  return out;
}

// The target's name and why it cannot take the graph; nothing where it can.
Result<std::optional<Error>> ask_target(const Options& options, const ir::Graph& graph,
                                        const api::Tables& tables) {
  Status ok;
  if (options.target == "cpu") {
    ok = api::check_cpu(graph, tables);
  } else if (options.target.empty() || options.target == "onnx") {
    const auto copy = ir::clone(graph);
    const auto lowered = onnx::lower(
        *copy, {.opset = options.opset ? options.opset : kDefaultOpset}, tables.ops, tables.onnx);
    if (!lowered) ok = fail(lowered.error());
  } else {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("cannot say what {} takes", options.target),
                 .why = "this version knows ONNX's opsets and its own CPU engine",
                 .hint = "use --target onnx --opset N, or --target cpu"});
  }
  if (ok) return std::optional<Error>{};
  if (ok.error().kind != ErrorKind::unsupported) return fail(std::move(ok).error());
  return std::optional<Error>(with_where(std::move(ok).error(), {.file = options.file}));
}

Status run(const Options& options, const Globals& globals) {
  if (api::is_engine(options.file)) {
    if (options.target.empty() && options.opset == 0) return inspect_engine(options.file, globals);
    return fail({.kind = ErrorKind::usage,
                 .what = "cannot say what a target takes of an engine",
                 .where = {.file = options.file},
                 .why = "an engine holds no operators of a model any more",
                 .hint = "ask about the model that it was built from"});
  }
  const api::Tables tables = api::make_tables();
  const Contents contents = TRY(read(options, tables));
  const bool asks = !options.target.empty() || options.opset != 0;
  std::optional<Error> refusal;
  if (asks) refusal = TRY(ask_target(options, *contents.graph, tables));
  const std::string target =
      options.target == "cpu"
          ? "cpu"
          : fmt::format("ONNX opset {}", options.opset ? options.opset : kDefaultOpset);
  if (globals.json) {
    Json report = contents_json(options, contents);
    if (asks) report["target"] = refusal_json(target, refusal);
    fmt::print("{}\n", report.dump(2));
  } else if (!globals.quiet) {
    print_contents(options, contents, globals);
    if (asks && !refusal) fmt::print("{} takes all of it\n", target);
  }
  if (refusal) return fail(std::move(*refusal));
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<Options>();
  app.add_option("FILE", options->file, "a model, an ONNX file, a plan or an engine")->required();
  app.add_option("--target", options->target,
                 "onnx or cpu: also list everything that it cannot take");
  app.add_option("--opset", options->opset, "the same of an opset of ONNX")
      ->check(CLI::Range(onnx::kOldestWritable, onnx::newest_opset()));
  options->reading.declare(app, false);
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Command inspect_command() {
  return {.name = "inspect",
          .about = "Say what a model, ONNX file, plan or engine holds",
          .example = "  tenon inspect resnet18.pt --opset 11\n",
          .declare = declare};
}

}  // namespace tenon::cli
