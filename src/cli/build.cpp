// tenon build: a model becomes an engine; what the name or --target says decides whose.
#include "cli/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "api/shapes.h"
#include "cli/verdicts.h"
#include "onnx/opset.h"
#include "targets/tensorrt/release.h"

namespace tenon::cli {
namespace {

// "tensorrt" of "tensorrt:8.5.2", "tensorrt-rtx", "jetpack6.2".
std::string family(const std::string& target) {
  return tensorrt::names_tensorrt(target) ? "tensorrt" : target;
}

// What the output's name says of the target; empty where it says nothing.
std::string by_extension(const std::string& out) {
  if (out.ends_with(".tenon")) return "cpu";
  if (out.ends_with(".engine") || out.ends_with(".plan") || out.ends_with(".trt"))
    return "tensorrt";
  return "";
}

Result<std::string> target_of(const BuildOptions& options) {
  const std::string by_name = by_extension(options.out);
  const std::string asked = family(options.target);
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
                 .hint = "name it .tenon for a plan of the CPU engine, .engine for TensorRT's"});
  }
  if (target == "cuda") {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "cannot build an engine for cuda",
                 .why = "this version builds plans of the CPU engine and TensorRT's engines",
                 .hint = "use --target tensorrt for NVIDIA's GPUs"});
  }
  return target;
}

Status check_outputs(const BuildOptions& options) {
  if (options.out.empty() == options.bundle.empty()) {
    return fail({.kind = ErrorKind::usage,
                 .what = "cannot tell what to write",
                 .why = options.out.empty() ? "neither -o nor --bundle is given"
                                            : "-o and --bundle are both given",
                 .hint = "name an engine with -o, or a folder with --bundle"});
  }
  if (options.bundle.empty() && (options.triton || !options.inputs.empty())) {
    return fail(
        {.kind = ErrorKind::usage,
         .what = fmt::format("cannot use {} here", options.triton ? "--triton" : "--inputs"),
         .why = "it is a part of a bundle",
         .hint = "add --bundle DIR"});
  }
  return {};
}

Status run(const BuildOptions& options, const Globals& globals) {
  TRY(check_outputs(options));
  if (!options.bundle.empty()) return build_bundle(options, globals);
  const std::string target = TRY(target_of(options));
  return target == "cpu" ? build_cpu(options, globals) : build_tensorrt(options, globals);
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<BuildOptions>();
  app.add_option("MODEL", options->model, "a PyTorch file (.pt, .pt2) or an ONNX model")
      ->required();
  app.add_option("-o,--output", options->out, "the plan (.tenon) or engine (.engine) to write");
  app.add_option("--target", options->target,
                 "cpu, tensorrt or tensorrt-rtx; follows from the output's name")
      ->check([](const std::string& text) -> std::string {
        const std::string target = family(text);
        if (target == "cpu" || target == "tensorrt" || target == "cuda") return "";
        return "the targets are cpu, tensorrt, tensorrt-rtx and cuda, not " + text;
      });
  app.add_option("--min-shapes", options->min_shapes,
                 "the smallest shapes, images:1x3x224x224; again for a further profile");
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
  app.add_option("--opset", options->opset, "tensorrt: opset of the ONNX model it is given")
      ->check(CLI::Range(onnx::kOldestWritable, onnx::newest_opset()));
  app.add_option("--io-types", options->io_types,
                 "tensorrt: types of inputs and outputs: keep, fp16, bf16, or NAME:fp16,...")
      ->capture_default_str();
  app.add_option("--keep-fp32", options->keep_fp32,
                 "tensorrt: operators, nodes or modules that stay in fp32: Softmax,layer4.1")
      ->delimiter(',');
  options->tensorrt.declare(app, "--python");
  app.add_option("--compute-capability", options->compute_capabilities,
                 "tensorrt-rtx: a GPU that need not be here, 8.6; TensorRT's choice where not said")
      ->delimiter(',');
  app.add_flag("--tf32", options->tf32, "tensorrt: let fp32 be computed with 10 bits of mantissa");
  app.add_option("--workspace", options->workspace,
                 "tensorrt: memory of the GPU for one layer, 2G");
  app.add_option("--bundle", options->bundle,
                 "tensorrt: a folder to write instead, with what a machine that is not here needs "
                 "to build the engine and to prove it");
  app.add_option("--inputs", options->inputs, "tensorrt: npz of a further sample for the bundle");
  app.add_flag("--triton", options->triton, "tensorrt: a model folder for Triton in the bundle");
  app.add_option("--onnx", options->onnx,
                 "tensorrt: also write the ONNX model that TensorRT is given, types and all");
  app.add_flag("--rebuild", options->rebuild,
               "tensorrt: build also where an engine with the same key is there");
  options->reading.declare(app, true);
  options->engine.declare(app);
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Result<std::vector<api::ProfileSpecs>> profiles_of(const BuildOptions& options) {
  const size_t count =
      std::max({options.min_shapes.size(), options.opt_shapes.size(), options.max_shapes.size()});
  const auto at = [](const std::vector<std::string>& texts, size_t i) {
    return parse_shapes(i < texts.size() ? texts[i] : "");
  };
  std::vector<api::ProfileSpecs> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back({TRY(at(options.min_shapes, i)), TRY(at(options.opt_shapes, i)),
                   TRY(at(options.max_shapes, i))});
  }
  return out;
}

Result<api::LoadOptions> reading_with_profiles(const BuildOptions& options) {
  api::LoadOptions out = TRY(options.reading.parse());
  const auto profile = TRY(api::hull_of_profiles(TRY(profiles_of(options))));
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

Error diverged(const BuildOptions& options, const api::Verification& verification) {
  Error error{.kind = ErrorKind::negative,
              .what = "the engine does not compute what the model does",
              .where = {.file = options.model},
              .why = "its outputs are out of tolerance, so nothing was written",
              .hint = "find the node with tenon check, or switch optimisations off with --disable"};
  if (options.precision != "fp32") {
    error.what = fmt::format("in {} the outputs are too far from those in fp32", options.precision);
    error.hint = fmt::format(
        "--keep-fp32 leaves operators, nodes or modules in fp32{}; where so "
        "much rounding is good enough, --rtol says how much",
        options.precision == "fp16" ? ", bf16 has a wider range" : "");
  }
  for (const api::VerifiedSizes& sizes : verification.done) {
    for (const api::OutputReport& output : sizes.outputs) {
      if (output.difference.verdict != numerics::Verdict::diverges) continue;
      error.details.push_back({.kind = ErrorKind::negative,
                               .what = fmt::format("at {}: {}", sizes.at, output_text(output))});
    }
  }
  return error;
}

Command build_command() {
  return {.name = "build",
          .about = "Build a verified plan for this machine, or an engine of TensorRT's",
          .example =
              "  tenon build resnet18.pt -o resnet18.tenon \\\n"
              "    --min-shapes image:1x3x224x224 --opt-shapes image:4x3x224x224 "
              "--max-shapes image:8x3x224x224\n",
          .declare = declare};
}

}  // namespace tenon::cli
