// tenon convert: a Torch or ONNX model becomes ONNX of any opset.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "api/precision.h"
#include "cli/model_options.h"
#include "cli/precision_report.h"
#include "cli/summary.h"
#include "onnx/writer.h"

namespace tenon::cli {
namespace {

struct Options {
  std::string model, out;
  int opset = 17;
  bool allow_tenon_domain = false;
  std::string precision = "fp32", io_types = "keep";
  std::vector<std::string> keep_fp32;
  ModelOptions reading;
};

std::string quantity_of(size_t nodes) {
  return fmt::format("{} node{}", quantity(nodes), nodes == 1 ? "" : "s");
}

// What the opset lacks, and what it costs to say it with other operators.
std::string composed_text(const std::vector<onnx::Composition>& composed) {
  std::string out;
  for (const onnx::Composition& c : composed) {
    out += fmt::format("  {}, {}: {} as {}\n", c.op, c.reason, quantity_of(c.count),
                       quantity_of(c.nodes));
  }
  return out.empty() ? out : "composed, since the opset lacks them\n" + out;
}

Json composed_json(const std::vector<onnx::Composition>& composed) {
  Json out = Json::array();
  for (const onnx::Composition& c : composed) {
    out.push_back({{"op", c.op},
                   {"reason", c.reason},
                   {"count", c.count},
                   {"nodes", c.nodes},
                   {"module", c.where.module},
                   {"source", c.where.source}});
  }
  return out;
}

// The graph's types as asked for; nothing where they are the model's own.
Result<std::optional<passes::ReducedPrecision>> reduce(ir::Graph& graph, const Options& options,
                                                       const api::Tables& tables) {
  const DType type = api::precision_from_name(options.precision);
  if (type != DType::f32) {
    return TRY(api::reduce_precision(graph,
                                     {.type = type,
                                      .opset = options.opset,
                                      .io_types = options.io_types,
                                      .keep_fp32 = options.keep_fp32},
                                     tables));
  }
  TRY(refuse_precision_options(options.io_types, options.keep_fp32));
  return std::nullopt;
}

Status run(const Options& options, const Globals& globals) {
  const api::Tables tables = api::make_tables();
  const api::LoadOptions reading = TRY(options.reading.parse());
  if (!options.out.ends_with(".onnx")) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("cannot convert to {}", options.out),
                 .why = "convert writes ONNX, and the name does not end in .onnx",
                 .hint = "name it .onnx, or make an engine of it with tenon build"});
  }
  const api::Loaded loaded = TRY(api::load_graph(options.model, reading, tables));
  const ir::Graph& graph = *loaded.graph;
  const std::optional<passes::ReducedPrecision> reduced =
      TRY(reduce(*loaded.graph, options, tables));
  const std::vector<onnx::Composition> composed =
      TRY(onnx::write(graph, options.out,
                      {.opset = options.opset, .allow_tenon_domain = options.allow_tenon_domain},
                      tables.ops, tables.onnx));
  if (globals.quiet && !globals.json) return {};
  const ParameterCount parameters = count_parameters(graph);
  if (globals.json) {
    Json report = {{"file", options.out}, {"opset", options.opset}};
    report.update(interface_json(graph));
    report["operators"] = count_operators(graph);
    report["parameters"] = parameters.elements;
    report["notices"] = notices_json(loaded.notices);
    report["suspicions"] = notices_json(loaded.suspicions);
    report["composed"] = composed_json(composed);
    if (reduced) report["precision"] = precision_json(*reduced, options.precision);
    fmt::print("{}\n", report.dump(2));
    return {};
  }
  fmt::print("{}: ONNX opset {}, {} operators, {} parameters ({})\n", options.out, options.opset,
             quantity(graph.size()), quantity(parameters.elements), megabytes(parameters.bytes));
  const std::string precision =
      reduced ? precision_text(*reduced, api::precision_from_name(options.precision))
              : std::string();
  fmt::print("{}{}{}{}", interface_text(graph), precision, composed_text(composed),
             remarks_text(loaded, globals.verbose));
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<Options>();
  app.add_option("MODEL", options->model, "a PyTorch file (.pt, .pt2) or an ONNX model")
      ->required();
  app.add_option("-o,--output", options->out, "the ONNX file to write")->required();
  app.add_option("--opset", options->opset, "opset of the ONNX file")
      ->check(CLI::Range(onnx::kOldestWritable, onnx::newest_opset()))
      ->capture_default_str();
  app.add_flag("--allow-tenon-domain", options->allow_tenon_domain,
               "keep operators that ONNX lacks and that cannot be composed as operators of the "
               "domain 'tenon', which only tenon runs");
  app.add_option("--precision", options->precision,
                 "fp16 or bf16: the type of every value inside, spelled out node by node; fp32 "
                 "leaves the model's own types")
      ->check(CLI::IsMember({"fp32", "fp16", "bf16"}))
      ->capture_default_str();
  app.add_option("--io-types", options->io_types,
                 "types of inputs and outputs: keep the model's, fp16, bf16, or NAME:fp16,...")
      ->capture_default_str();
  app.add_option("--keep-fp32", options->keep_fp32,
                 "operators, nodes or modules that stay in fp32: Softmax,layer4.1")
      ->delimiter(',');
  options->reading.declare(app, true);
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Command convert_command() {
  return {.name = "convert",
          .about = "Write a Torch or ONNX model as ONNX",
          .example =
              "  tenon convert resnet18.pt -o resnet18.onnx --opset 17 \\\n"
              "    --dynamic 'image[batch=1..8,3,224,224]'\n",
          .declare = declare};
}

}  // namespace tenon::cli
