// tenon inspect: what a file holds.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "api/engine_file.h"
#include "api/session.h"
#include "api/tensorrt_verdict.h"
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
  bool dla = false;
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

// What a target says of the model.
struct Verdict {
  std::string name;  // "ONNX opset 17", "TensorRT 10.3 at ONNX opset 20"
  std::optional<Error> refusal;
  std::optional<api::TensorrtVerdict> tensorrt;
};

Json parts_json(std::span<const Error> parts) {
  Json out = Json::array();
  for (const Error& part : parts) {
    out.push_back({{"what", part.what},
                   {"why", part.why},
                   {"node", part.where.node},
                   {"module", part.where.module},
                   {"source", part.where.source},
                   {"try", part.hint}});
  }
  return out;
}

Json verdict_json(const Options& options, const Verdict& verdict) {
  Json out = {{"name", verdict.name},
              {"takes_everything", !verdict.refusal},
              {"cannot_take", Json::array()}};
  if (verdict.refusal) {
    const std::span<const Error> whole(&*verdict.refusal, 1);
    out["cannot_take"] =
        parts_json(verdict.refusal->details.empty() ? whole : verdict.refusal->details);
  }
  if (!verdict.tensorrt) return out;
  out["opset"] = verdict.tensorrt->opset;
  for (const passes::BoundedOutput& one : verdict.tensorrt->bounded_outputs)
    out["fixed_sizes"].push_back(
        {{"output", one.output}, {"axis", one.axis}, {"rows", one.bound}, {"count", one.count}});
  if (options.dla) out["dla_leaves_to_gpu"] = parts_json(verdict.tensorrt->dla_fallbacks);
  return out;
}

// Keeps what the target cannot take; other errors are the caller's.
Status note(Status ok, const Options& options, Verdict& verdict) {
  if (ok) return {};
  if (ok.error().kind != ErrorKind::unsupported) return ok;
  verdict.refusal = with_where(std::move(ok).error(), {.file = options.file});
  return {};
}

Status ask_onnx(const Options& options, const ir::Graph& graph, const api::Tables& tables,
                Verdict& verdict) {
  const int opset = options.opset ? options.opset : kDefaultOpset;
  verdict.name = fmt::format("ONNX opset {}", opset);
  const auto copy = ir::clone(graph);
  TRY(onnx::lower(*copy, {.opset = opset}, tables.ops, tables.onnx));
  return {};
}

Status ask_tensorrt(const Options& options, const ir::Graph& graph, const api::Tables& tables,
                    Verdict& verdict) {
  const tensorrt::Release release = TRY(tensorrt::parse_release(options.target));
  verdict.tensorrt = TRY(api::judge(graph, release, options.opset, options.dla, tables));
  verdict.name =
      fmt::format("{} at ONNX opset {}", tensorrt::name(release), verdict.tensorrt->opset);
  if (verdict.tensorrt->refusal) return fail(*verdict.tensorrt->refusal);
  return {};
}

Result<Verdict> ask_target(const Options& options, const ir::Graph& graph,
                           const api::Tables& tables) {
  Verdict verdict;
  if (options.target == "cpu") {
    verdict.name = "cpu";
    TRY(note(api::check_cpu(graph, tables), options, verdict));
  } else if (options.target.empty() || options.target == "onnx") {
    TRY(note(ask_onnx(options, graph, tables, verdict), options, verdict));
  } else if (tensorrt::names_tensorrt(options.target)) {
    TRY(note(ask_tensorrt(options, graph, tables, verdict), options, verdict));
  } else {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("cannot say what {} takes", options.target),
                 .why = "this version knows ONNX's opsets, its own CPU engine and TensorRT",
                 .hint = "use --target onnx --opset N, --target cpu or --target tensorrt"});
  }
  return verdict;
}

// What can be said before the file is read.
Status check_options(const Options& options) {
  if (tensorrt::names_tensorrt(options.target)) {
    TRY(tensorrt::parse_release(options.target));
    return {};
  }
  if (!options.dla) return {};
  return fail({.kind = ErrorKind::usage,
               .what = "--dla asks about a TensorRT",
               .why = "no --target names one",
               .hint = "name the device's, as in --target jetpack5.1 --dla"});
}

void print_verdict(const Options& options, const Verdict& verdict) {
  if (verdict.refusal) return;  // the error says it
  fmt::print("{} takes all of it\n", verdict.name);
  if (verdict.tensorrt && verdict.tensorrt->bounded) {
    fmt::print("with fixed sizes where it lacks sizes that the data decides:\n");
    for (const passes::BoundedOutput& one : verdict.tensorrt->bounded_outputs)
      fmt::print("  {} gets {} rows along axis {}, and {} says how many count\n", one.output,
                 one.bound, one.axis, one.count);
  }
  if (!options.dla || !verdict.tensorrt) return;
  fmt::print("DLA leaves {} of {} nodes to the GPU\n", verdict.tensorrt->on_gpu,
             verdict.tensorrt->nodes);
  for (const Error& fallback : verdict.tensorrt->dla_fallbacks) {
    const Where& where = fallback.where;
    fmt::print("  {}: {}{}\n", fallback.what, fallback.why,
               where.source.empty() ? "" : fmt::format(" ({})", where.source));
  }
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
  TRY(check_options(options));
  const api::Tables tables = api::make_tables();
  const Contents contents = TRY(read(options, tables));
  std::optional<Verdict> verdict;
  if (!options.target.empty() || options.opset != 0)
    verdict = TRY(ask_target(options, *contents.graph, tables));
  if (globals.json) {
    Json report = contents_json(options, contents);
    if (verdict) report["target"] = verdict_json(options, *verdict);
    fmt::print("{}\n", report.dump(2));
  } else if (!globals.quiet) {
    print_contents(options, contents, globals);
    if (verdict) print_verdict(options, *verdict);
  }
  if (verdict && verdict->refusal) return fail(std::move(*verdict->refusal));
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<Options>();
  app.add_option("FILE", options->file, "a model, an ONNX file, a plan or an engine")->required();
  app.add_option(
      "--target", options->target,
      "onnx, cpu, tensorrt[:VERSION], tensorrt-rtx or jetpackVERSION: also list everything "
      "that it cannot take");
  app.add_option("--opset", options->opset, "the same of an opset of ONNX")
      ->check(CLI::Range(onnx::kOldestWritable, onnx::newest_opset()));
  app.add_flag("--dla", options->dla, "with a TensorRT: also list what its DLA leaves to the GPU");
  options->reading.declare(app, false);
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Command inspect_command() {
  return {.name = "inspect",
          .about = "Say what a model, ONNX file, plan or engine holds",
          .example =
              "  tenon inspect resnet18.pt --opset 11\n"
              "  tenon inspect resnet18.pt --target tensorrt:8.5.2\n",
          .declare = declare};
}

}  // namespace tenon::cli
