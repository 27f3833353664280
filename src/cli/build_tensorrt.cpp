// tenon build --target tensorrt: a model becomes an engine of TensorRT's, with a description beside
// it.
#include <fmt/format.h>

#include "api/tensorrt.h"
#include "cli/build.h"
#include "cli/byte_size.h"
#include "cli/precision_report.h"
#include "cli/progress.h"

namespace tenon::cli {
namespace {

Result<tensorrt::BuildRequest> request_of(const BuildOptions& options, const Globals& globals) {
  tensorrt::BuildRequest out{.tf32 = options.tf32,
                             .compute_capabilities = options.compute_capabilities,
                             .profiling_verbosity = "DETAILED",
                             .timing_cache = options.timing_cache,
                             .verbose = globals.verbose};
  if (!options.workspace.empty())
    out.memory_pools["WORKSPACE"] = TRY(parse_bytes(options.workspace, "--workspace"));
  out.limits = TRY(options.tensorrt.limits());
  return out;
}

std::vector<std::string> modules_of(const std::string& target) {
  if (target.starts_with("tensorrt-rtx")) return {"tensorrt_rtx", "tensorrt_rtx_bindings"};
  if (target.starts_with("tensorrt:") || target.starts_with("jetpack")) return {"tensorrt"};
  return tensorrt::Python().modules;
}

Json report_json(const BuildOptions& options, const api::TensorrtBuild& build) {
  Json report = Json::parse(tensorrt::to_json(build.description));
  report["file"] = options.out;
  report["reused"] = build.reused;
  if (build.reused) return report;
  report["seconds"] = build.report.seconds;
  report["peak_memory_mb"] = build.report.peak_memory >> 20;
  report["warnings"] = build.report.warnings;
  report["untyped"] = build.report.untyped;
  if (build.reduced) report["reduced"] = precision_json(*build.reduced, options.precision);
  report["layers"] = build.report.network.layers.size();
  if (build.verification) report["verified_outputs"] = verification_json(*build.verification);
  return report;
}

void print_build(const BuildOptions& options, const api::Loaded& loaded,
                 const api::TensorrtBuild& build, const Globals& globals) {
  const tensorrt::Description& about = build.description;
  if (build.reused) {
    fmt::print("{}: unchanged, its model and options are the same (key {})\n", options.out,
               about.key());
    return;
  }
  if (build.verification) print_verification(*build.verification);
  fmt::print("{}: engine of {}, {}, {} layers parsed, built in {:.1f} s\n", options.out,
             build.report.module.title(), megabytes(about.engine_bytes),
             build.report.network.layers.size(), build.report.seconds);
  fmt::print("{}", interface_text(*build.graph));
  for (const tensorrt::PaddedOutput& one : about.padded)
    fmt::print("{} has as many rows as there can be; {} says how many count along axis {}\n",
               one.output, one.count, one.axis);
  if (build.reduced)
    fmt::print("{}", precision_text(*build.reduced, api::precision_from_name(options.precision)));
  fmt::print("types: {}\n", about.types);
  fmt::print("verification: {}\n", about.verification);
  print_tensorrt_messages(build.report.warnings);
  fmt::print("{}", remarks_text(loaded, globals.verbose));
}

}  // namespace

Result<api::PrecisionOptions> precision_of(const BuildOptions& options) {
  const DType type = api::precision_from_name(options.precision);
  if (type == DType::undefined) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("cannot build an engine in {}", options.precision),
                 .why = "this version writes models in fp32, fp16 and bf16",
                 .hint = "give a model that is quantised, in fp32, or choose another precision"});
  }
  if (type == DType::f32) TRY(refuse_precision_options(options.io_types, options.keep_fp32));
  return api::PrecisionOptions{
      .type = type, .io_types = options.io_types, .keep_fp32 = options.keep_fp32};
}

Status build_tensorrt(const BuildOptions& options, const Globals& globals) {
  if (!options.target.empty()) TRY(tensorrt::parse_release(options.target));
  api::TensorrtOptions building{
      .target = options.target.empty() ? "tensorrt" : options.target,
      .python = {options.tensorrt.python, modules_of(options.target)},
      .opset = options.opset,
      .precision = TRY(precision_of(options)),
      .request = TRY(request_of(options, globals)),
      .profiles = TRY(profiles_of(options)),
      .verify = !options.no_verify,
      .tolerances = TRY(numerics::parse_tolerances(options.atol, options.rtol)),
      .threads = options.engine.threads,
      .rebuild = options.rebuild,
      .onnx = options.onnx};
  const api::Tables tables = api::make_tables();
  const api::Loaded loaded =
      TRY(api::load_graph(options.model, TRY(reading_with_profiles(options)), tables));
  Progress progress(globals.quiet);
  building.request.progress = progress.callback();
  const api::TensorrtBuild build =
      TRY(api::build_tensorrt(loaded, options.model, options.out, building, tables));
  progress.clear();
  if (build.verification && build.verification->verdict() == numerics::Verdict::diverges)
    return fail(diverged(options, *build.verification));
  if (globals.json)
    fmt::print("{}\n", report_json(options, build).dump(2));
  else if (!globals.quiet)
    print_build(options, loaded, build, globals);
  return {};
}

}  // namespace tenon::cli
