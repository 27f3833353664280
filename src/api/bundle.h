// Deployment bundles: what a machine that is not here, with its own TensorRT, needs to build an
// engine of a model and to prove it, and what comes back from there.
#pragma once

#include "api/tensorrt.h"

namespace tenon::api {

struct BundleOptions {
  std::string target;  // a release or a JetPack: "jetpack5.1"
  int opset = 0;       // 0: the newest that suits the release
  PrecisionOptions precision = {.type = DType::f32};
  std::vector<ProfileSpecs> profiles = {};
  numerics::ToleranceOptions tolerances = {};
  bool tf32 = false;
  std::map<std::string, uint64_t> memory_pools = {};
  std::optional<int> dla_core = {};
  std::vector<NamedTensor> inputs = {};  // of a sample of the user's own, "given"
  bool triton = false;
  uint64_t seed = 0;
};

// A tensor at the end of a module, which the bisecting model gives as an output.
struct Boundary {
  std::string tensor, module, source;
  DType dtype = DType::undefined;
};

// bundle.json.
struct Bundle {
  std::string target, model, precision;
  int opset = 0;
  std::vector<std::string> samples;  // "opt", "min", "max", "given"
  std::vector<std::string> outputs;
  std::vector<Boundary> boundaries;          // in the order in which they are computed
  std::map<std::string, double> rtol, atol;  // by output
};

inline constexpr const char* kBisectModel = "model_bisect.onnx";

// Writes the folder whole or not at all; one that is there and not empty is refused.
Result<Bundle> write_bundle(const Loaded& loaded, const std::string& model_path,
                            const std::string& folder, const BundleOptions& options,
                            const Tables& tables);

bool is_bundle(const std::string& path);
Result<Bundle> read_bundle(const std::string& folder);

// What results.npz, written by verify.py on the other machine, says.
struct BundleCheck {
  Bundle bundle;
  std::string machine;  // "TensorRT 8.5.2, Orin": as verify.py told it
  std::vector<StageReport> samples;
  // Where the bisecting model was run: the first boundary that diverges, and the last good one.
  bool bisected = false;
  std::optional<Boundary> last_good, first_bad;
  std::optional<OutputReport> at_first_bad;
};
Result<BundleCheck> check_bundle(const std::string& folder, const std::string& results,
                                 const Tables& tables);

}  // namespace tenon::api
