// tenon check: compares a model stage by stage, from PyTorch's outputs to the engine's.
#include <fmt/format.h>

#include <memory>

#include "api/bundle.h"
#include "cli/check_bundle.h"
#include "cli/check_stages.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/verdicts.h"

namespace tenon::cli {
namespace {

struct Options {
  std::string model, results, expected, atol, rtol, python = "python3";
  bool with_torch = false;
  std::vector<std::string> against;
  int opset = 17;
  ModelOptions reading;
  InputOptions inputs;
  EngineOptions engine;
  TensorrtRunOptions tensorrt;
};

std::string stage_text(const CheckedStage& stage) {
  std::string out = fmt::format("{:<13} {}", name(stage.report.verdict()), stage.report.stage);
  if (!stage.note.empty()) out += " (" + stage.note + ")";
  out += "\n";
  for (const api::OutputReport& output : stage.report.outputs)
    out += "                " + output_text(output) + "\n";
  return out;
}

Json stage_json(const CheckedStage& stage) {
  Json out = {{"stage", stage.report.stage},
              {"reference", stage.report.reference},
              {"verdict", name(stage.report.verdict())},
              {"note", stage.note},
              {"outputs", outputs_json(stage.report.outputs)}};
  if (stage.divergence) {
    out["first_divergence"] = {{"node", stage.divergence->node},
                               {"op", stage.divergence->op},
                               {"module", stage.divergence->where.module},
                               {"source", stage.divergence->where.source},
                               {"error", stage.divergence->difference.error},
                               {"limit", stage.divergence->difference.limit}};
  }
  return out;
}

Error diverged(const Options& options, const CheckedStage& stage) {
  Error error{.kind = ErrorKind::negative,
              .what = fmt::format("{} diverges from the {} outputs", stage.report.stage,
                                  stage.report.reference),
              .where = {.file = options.model},
              .why = {},
              .hint = "look at the first output that differs; --rtol and --atol set the limits"};
  for (const api::OutputReport& output : stage.report.outputs) {
    if (output.difference.verdict != numerics::Verdict::diverges) continue;
    error.why = output_text(output);
    break;
  }
  if (stage.divergence) {
    const api::Divergence& at = *stage.divergence;
    error.where = at.where;
    error.where.file = options.model;
    error.where.node = fmt::format("{} ({})", at.node, at.op);
    error.why += fmt::format(
        "; this node is the first out of tolerance, by {:.3g} where {:.3g} "
        "is the limit",
        at.difference.error, at.difference.limit);
    error.hint = "report this node, or leave out optimisations with --disable";
  }
  if (!stage.culprit.empty()) {
    error.why += fmt::format(
        "; every node agrees on its own, and all agree without the "
        "optimisation '{}'",
        stage.culprit);
    error.hint = fmt::format("use --disable {} until it is mended", stage.culprit);
  }
  return error;
}

// What the stages do not show: a trace's file agrees with itself whatever its constants were.
std::string sizes_text(const Checked& checked) {
  return checked.sizes == torch::kUnproven
             ? "at sizes other than the trace's this is unproven: see --also-traced-at\n"
             : "";
}

std::string verdict_text(const std::string& reference) {
  if (reference == "tenon-ir only")
    return "all stages agree with each other (tenon-ir only: nothing says what PyTorch computes; "
           "let it with --with-torch, or give its outputs with --expected)";
  return fmt::format("all stages agree with PyTorch's outputs ({})", reference);
}

Status run(const Options& options, const Globals& globals) {
  if (api::is_bundle(options.model) || !options.results.empty()) {
    if (api::is_bundle(options.model) && !options.results.empty())
      return check_bundle(options.model, options.results, globals);
    return fail({.kind = ErrorKind::usage,
                 .what = "cannot check this",
                 .where = {.file = options.model},
                 .why = options.results.empty() ? "a bundle says nothing by itself"
                                                : "results belong to a bundle, and this is none",
                 .hint = "tenon check BUNDLE --results results.npz"});
  }
  if (api::is_engine(options.model)) {
    return fail({.kind = ErrorKind::usage,
                 .what = "an engine cannot be checked by itself",
                 .where = {.file = options.model},
                 .why = "it holds no model that its outputs could be compared with",
                 .hint = fmt::format("tenon check MODEL --against {}", options.model)});
  }
  const api::Tables tables = api::make_tables();
  CheckRequest request{.model = options.model,
                       .expected = options.expected,
                       .against = options.against,
                       .opset = options.opset,
                       .reading = TRY(options.reading.parse()),
                       .compiling = TRY(options.engine.parse()),
                       .with_torch = options.with_torch,
                       .python = options.python,
                       .tensorrt = options.tensorrt,
                       .verbose = globals.verbose,
                       .tolerances = TRY(numerics::parse_tolerances(options.atol, options.rtol)),
                       .inputs = options.inputs};
  if (request.tensorrt.python.empty()) request.tensorrt.python = options.python;
  Progress progress(globals.quiet);
  const Checked checked = TRY(check_stages(request, tables, progress.callback()));
  const CheckedStage* bad = nullptr;
  bool proven = false;
  for (const CheckedStage& stage : checked.stages) {
    const auto verdict = stage.report.verdict();
    if (verdict == numerics::Verdict::diverges && bad == nullptr) bad = &stage;
    proven = proven || (verdict == numerics::Verdict::pass && !stage.report.outputs.empty());
  }
  if (!checked.insensitive.empty()) proven = false;
  const std::string verdict = bad               ? "diverges"
                              : checked.stopped ? "unfinished"
                              : proven          ? "ok"
                                                : "inconclusive";
  progress.clear();
  if (globals.json) {
    Json report = {{"model", options.model},
                   {"reference", checked.reference},
                   {"verdict", verdict},
                   {"stages", Json::array()},
                   {"insensitive", checked.insensitive},
                   {"dynamic_sizes", checked.sizes.empty() ? Json() : Json(checked.sizes)}};
    for (const CheckedStage& stage : checked.stages) report["stages"].push_back(stage_json(stage));
    fmt::print("{}\n", report.dump(2));
  } else if (!globals.quiet) {
    fmt::print("{}: compared with {}\n", options.model,
               checked.reference == "tenon-ir only"
                   ? "the IR's own outputs (tenon-ir only)"
                   : "PyTorch's outputs (" + checked.reference + ")");
    for (const CheckedStage& stage : checked.stages) fmt::print("{}", stage_text(stage));
  }
  if (bad) return fail(diverged(options, *bad));
  if (checked.stopped) return fail(*checked.stopped);
  if (!proven) {
    std::string why = checked.insensitive;
    for (const CheckedStage& stage : checked.stages) {
      for (const api::OutputReport& output : stage.report.outputs) {
        if (why.empty()) why = output.difference.reason;
      }
    }
    return fail({.kind = ErrorKind::negative,
                 .what = "the comparison is inconclusive: these inputs prove nothing",
                 .where = {.file = options.model},
                 .why = why,
                 .hint = "give inputs of real data with --inputs"});
  }
  if (!globals.quiet && !globals.json)
    fmt::print("{}\n{}", verdict_text(checked.reference), sizes_text(checked));
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<Options>();
  app.add_option("MODEL", options->model, "a PyTorch file (.pt, .pt2) or an ONNX model")
      ->required();
  app.add_option("--results", options->results,
                 "what verify.py of a bundle wrote on the other machine; MODEL is the bundle");
  app.add_option("--expected", options->expected,
                 "npz of PyTorch's outputs, by name or position (output_0)");
  auto* with_torch =
      app.add_flag("--with-torch", options->with_torch,
                   "let PyTorch compute the outputs, in Python; for files you trust");
  app.add_option("--python", options->python, "the interpreter that has PyTorch, or TensorRT")
      ->capture_default_str();
  with_torch->excludes("--expected");
  app.add_option("--against", options->against,
                 "a file made from the model: ONNX, a plan or an engine")
      ->allow_extra_args(false);
  app.add_option("--opset", options->opset, "opset of the ONNX stage")
      ->check(CLI::Range(11, 99))
      ->capture_default_str();
  app.add_option("--atol", options->atol, "absolute tolerance, for one output as boxes:1e-2");
  app.add_option("--rtol", options->rtol, "tolerance relative to an output's largest magnitude");
  options->inputs.declare(app);
  options->reading.declare(app, false);
  options->engine.declare(app);
  options->tensorrt.python.clear();  // --python's, where it is not said
  options->tensorrt.declare(app, "--tensorrt-python");
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Command check_command() {
  return {.name = "check",
          .about = "Compare PyTorch's outputs, the IR, ONNX and the engine, stage by stage",
          .example =
              "  tenon check resnet18.pt --inputs image.npz --expected torch_outputs.npz \\\n"
              "    --against resnet18.onnx --against resnet18.tenon\n"
              "  tenon check resnet18.pt --against resnet18.engine --tensorrt-python "
              "trt/bin/python\n",
          .declare = declare};
}

}  // namespace tenon::cli
