// tenon build: a model becomes a plan for this machine, verified before it is written.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "api/session.h"
#include "api/shapes.h"
#include "api/verify.h"
#include "cli/execution_options.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/verdicts.h"

namespace tenon::cli {
namespace {

struct Options {
  std::string model, out, target;
  std::string min_shapes, opt_shapes, max_shapes;
  std::string atol, rtol, timing_cache, precision = "fp32";
  bool no_verify = false;
  ModelOptions reading;
  EngineOptions engine;
};

// What the output's name says of the target; empty where it says nothing.
std::string target_of(const std::string& out) {
  if (out.ends_with(".tenon")) return "cpu";
  if (out.ends_with(".engine") || out.ends_with(".plan") || out.ends_with(".trt"))
    return "tensorrt";
  return "";
}

Status check_target(const Options& options) {
  const std::string by_name = target_of(options.out);
  const std::string asked = options.target.substr(0, options.target.find(':'));
  if (!asked.empty() && !by_name.empty() && asked != by_name &&
      !(asked == "cuda" && by_name == "cpu")) {
    return fail(
        {.kind = ErrorKind::usage,
         .what = fmt::format("--target {} and the name {} contradict each other", options.target,
                             options.out),
         .why = fmt::format("a file of this name is an engine for {}", by_name),
         .hint = "leave --target out, or name the file .tenon (cpu) or .engine (tensorrt)"});
  }
  const std::string target = asked.empty() ? by_name : asked;
  if (target.empty()) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("cannot tell what to build for {}", options.out),
                 .why = "neither its name nor --target says it",
                 .hint = "name it .tenon for a plan of the CPU engine"});
  }
  if (target != "cpu") {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("cannot build an engine for {}", target),
                 .why = "this version builds plans of the CPU engine only",
                 .hint = "write ONNX with tenon convert and build the engine from that"});
  }
  if (options.precision != "fp32") {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("cannot build a plan in {}", options.precision),
                 .why = "this version of the CPU engine computes in fp32 only",
                 .hint = "leave --precision out"});
  }
  return {};
}

Result<api::LoadOptions> reading_with_profile(const Options& options) {
  api::LoadOptions out = TRY(options.reading.parse());
  const auto profile = TRY(api::merge_profile(TRY(parse_shapes(options.min_shapes)),
                                              TRY(parse_shapes(options.opt_shapes)),
                                              TRY(parse_shapes(options.max_shapes))));
  if (profile.empty()) return out;
  if (!out.import.shapes.empty() || !out.import.dynamic.empty()) {
    return fail({.kind = ErrorKind::usage,
                 .what = "the shapes are given twice",
                 .why = "--min-shapes, --opt-shapes and --max-shapes say what --shapes and "
                        "--dynamic say",
                 .hint = "use one or the other"});
  }
  out.import.shapes = profile;
  return out;
}

Json verification_json(const api::Verification& verification) {
  Json out = {{"verdict", name(verification.verdict())}, {"sizes", Json::array()}};
  for (const api::VerifiedSizes& sizes : verification.done) {
    out["sizes"].push_back({{"at", sizes.at},
                            {"reference", sizes.reference},
                            {"outputs", outputs_json(sizes.outputs)}});
  }
  out["left_out"] = verification.left_out;
  return out;
}

void print_verification(const api::Verification& verification) {
  for (const api::VerifiedSizes& sizes : verification.done) {
    fmt::print("verified at {} against the {} (tenon-ir only)\n", sizes.at, sizes.reference);
    for (const api::OutputReport& output : sizes.outputs) fmt::print("  {}\n", output_text(output));
  }
  for (const std::string& left_out : verification.left_out)
    fmt::print("not verified at {}\n", left_out);
}

Error diverged(const Options& options, const api::Verification& verification) {
  Error error{.kind = ErrorKind::negative,
              .what = "the engine does not compute what the model does",
              .where = {.file = options.model},
              .why = "its outputs are out of tolerance, so no plan was written",
              .hint = "find the node with tenon check, or switch optimisations off with --disable"};
  for (const api::VerifiedSizes& sizes : verification.done) {
    for (const api::OutputReport& output : sizes.outputs) {
      if (output.difference.verdict != numerics::Verdict::diverges) continue;
      error.details.push_back({.kind = ErrorKind::negative,
                               .what = fmt::format("at {}: {}", sizes.at, output_text(output))});
    }
  }
  return error;
}

Status run(const Options& options, const Globals& globals) {
  const auto start = std::chrono::steady_clock::now();
  TRY(check_target(options));
  // Whether the file can be written shows before the work, not after it.
  AtomicFile probe = TRY(AtomicFile::create(options.out));
  const api::Tables tables = api::make_tables();
  const numerics::ToleranceOptions tolerances =
      TRY(numerics::parse_tolerances(options.atol, options.rtol));
  api::CompileOptions compiling = TRY(options.engine.parse());
  api::Loaded loaded =
      TRY(api::load_graph(options.model, TRY(reading_with_profile(options)), tables));
  Progress progress(globals.quiet);
  compiling.time_tactics = true;
  compiling.timing_cache = options.timing_cache;
  compiling.progress = progress.callback();
  const auto canonical = ir::clone(*loaded.graph);
  auto engine = api::compile(*loaded.graph, compiling, tables);
  if (!engine) return fail(with_where(std::move(engine).error(), {.file = options.model}));
  std::optional<api::Verification> verification;
  if (!options.no_verify) {
    progress.update(1, "verifying");
    verification = TRY(api::verify_engine(
        *canonical, *engine,
        {.reference = {.threads = compiling.threads}, .tolerances = tolerances}, tables));
    if (verification->verdict() == numerics::Verdict::diverges)
      return fail(diverged(options, *verification));
  }
  progress.clear();
  TRY(engine->save(options.out));
  if (globals.quiet && !globals.json) return {};
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (globals.json) {
    Json report = {{"file", options.out},
                   {"target", "cpu"},
                   {"seconds", seconds},
                   {"threads", engine->threads()},
                   {"weight_bytes", engine->weight_bytes()},
                   {"packed_bytes", engine->packed_bytes()}};
    report.update(interface_json(engine->graph()));
    report["verification"] = verification ? verification_json(*verification) : Json();
    report["notices"] = notices_json(loaded.notices);
    report["suspicions"] = notices_json(loaded.suspicions);
    fmt::print("{}\n", report.dump(2));
    return {};
  }
  if (verification)
    print_verification(*verification);
  else
    fmt::print("not verified, as --no-verify asks\n");
  fmt::print("{}: CPU plan for {} threads, weights {}, packed beside them {}, built in {:.1f} s\n",
             options.out, engine->threads(), megabytes(engine->weight_bytes()),
             megabytes(engine->packed_bytes()), seconds);
  fmt::print("{}{}", interface_text(engine->graph()), remarks_text(loaded, globals.verbose));
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<Options>();
  app.add_option("MODEL", options->model, "a PyTorch file (.pt, .pt2) or an ONNX model")
      ->required();
  app.add_option("-o,--output", options->out, "the plan to write (.tenon)")->required();
  app.add_option("--target", options->target, "cpu; follows from the output's name")
      ->check([](const std::string& text) -> std::string {
        const std::string target = text.substr(0, text.find(':'));
        if (target == "cpu" || target == "tensorrt" || target == "cuda") return "";
        return "the targets are cpu, tensorrt and cuda, not " + text;
      });
  app.add_option("--min-shapes", options->min_shapes, "the smallest shapes, images:1x3x224x224");
  app.add_option("--opt-shapes", options->opt_shapes, "the shapes to be fast at");
  app.add_option("--max-shapes", options->max_shapes, "the largest shapes");
  app.add_option("--precision", options->precision, "what the engine computes in")
      ->check(CLI::IsMember({"fp32", "fp16", "bf16", "int8", "mixed"}))
      ->capture_default_str();
  app.add_flag("--no-verify", options->no_verify, "write the plan without comparing outputs");
  app.add_option("--atol", options->atol, "absolute tolerance, for one output as boxes:1e-2");
  app.add_option("--rtol", options->rtol, "tolerance relative to an output's largest magnitude");
  app.add_option("--timing-cache", options->timing_cache,
                 "file that remembers measured tactics between builds");
  options->reading.declare(app, true);
  options->engine.declare(app);
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Command build_command() {
  return {.name = "build",
          .about = "Build a verified plan for this machine",
          .example =
              "  tenon build resnet18.pt -o resnet18.tenon \\\n"
              "    --min-shapes image:1x3x224x224 --opt-shapes image:4x3x224x224 "
              "--max-shapes image:8x3x224x224\n",
          .declare = declare};
}

}  // namespace tenon::cli
