// tenon build --bundle: what another machine needs to build an engine of TensorRT's, and to prove
// it.
#include <fmt/format.h>

#include "api/bundle.h"
#include "archive/npy.h"
#include "cli/build.h"
#include "cli/byte_size.h"

namespace tenon::cli {
namespace {

Json bundle_json(const BuildOptions& options, const api::Bundle& bundle) {
  return {{"folder", options.bundle},
          {"target", bundle.target},
          {"precision", bundle.precision},
          {"opset", bundle.opset},
          {"samples", bundle.samples},
          {"outputs", bundle.outputs},
          {"boundaries", bundle.boundaries.size()}};
}

}  // namespace

Status build_bundle(const BuildOptions& options, const Globals& globals) {
  if (!tensorrt::names_tensorrt(options.target)) {
    return fail({.kind = ErrorKind::usage,
                 .what = "cannot tell for which machine the bundle is",
                 .why = options.target.empty() ? "--target is not given"
                                               : options.target + " is no TensorRT",
                 .hint = "name its release, --target tensorrt:8.5.2, or its JetPack, --target "
                         "jetpack5.1"});
  }
  api::BundleOptions writing{
      .target = options.target,
      .opset = options.opset,
      .precision = TRY(precision_of(options)),
      .profiles = TRY(profiles_of(options)),
      .tolerances = TRY(numerics::parse_tolerances(options.atol, options.rtol)),
      .tf32 = options.tf32,
      .triton = options.triton};
  if (!options.workspace.empty())
    writing.memory_pools["WORKSPACE"] = TRY(parse_bytes(options.workspace, "--workspace"));
  if (!options.inputs.empty()) writing.inputs = TRY(archive::read_npz(options.inputs));
  const api::Tables tables = api::make_tables();
  api::LoadOptions reading = TRY(reading_with_profiles(options));
  reading.examples = writing.inputs;
  const api::Loaded loaded = TRY(api::load_graph(options.model, reading, tables));
  const api::Bundle bundle =
      TRY(api::write_bundle(loaded, options.model, options.bundle, writing, tables));
  if (globals.json) {
    fmt::print("{}\n", bundle_json(options, bundle).dump(2));
  } else if (!globals.quiet) {
    fmt::print("{}: {} for {}, {}, opset {}, samples {}\n", options.bundle, bundle.model,
               bundle.target, bundle.precision, bundle.opset, fmt::join(bundle.samples, ", "));
    fmt::print("{}", interface_text(*loaded.graph));
    fmt::print(
        "next: copy the folder there, run build.sh and verify.py, and bring results.npz "
        "back to tenon check {} --results results.npz\n",
        options.bundle);
    fmt::print("{}", remarks_text(loaded, globals.verbose));
  }
  return {};
}

}  // namespace tenon::cli
