// What the targets of tenon build share: its options, and how a verification is shown.
#pragma once

#include <string>
#include <vector>

#include "api/precision.h"
#include "api/shapes.h"
#include "api/verify.h"
#include "cli/engine_options.h"
#include "cli/execution_options.h"
#include "cli/model_options.h"
#include "cli/summary.h"

namespace tenon::cli {

struct BuildOptions {
  std::string model, out, target;
  std::vector<std::string> min_shapes, opt_shapes, max_shapes;  // one for each profile
  std::string atol, rtol, timing_cache, precision = "fp32";
  bool no_verify = false;
  ModelOptions reading;
  EngineOptions engine;
  // Of TensorRT alone.
  int opset = 0;
  std::string io_types = "keep";
  std::vector<std::string> keep_fp32;
  TensorrtRunOptions tensorrt;
  std::string workspace;
  std::vector<std::string> compute_capabilities;
  bool tf32 = false, rebuild = false;
  std::string bundle;  // the folder to write instead of an engine
  std::string inputs;  // of a further sample in it
  bool triton = false;
  std::string onnx;  // where the model that TensorRT is given is to be kept
};

// The shapes of each profile that is asked for.
Result<std::vector<api::ProfileSpecs>> profiles_of(const BuildOptions& options);
// How the model is read: a range for each size that one of the profiles varies.
Result<api::LoadOptions> reading_with_profiles(const BuildOptions& options);

Json verification_json(const api::Verification& verification);
void print_verification(const api::Verification& verification);
Error diverged(const BuildOptions& options, const api::Verification& verification);

Status build_cpu(const BuildOptions& options, const Globals& globals);
Result<api::PrecisionOptions> precision_of(const BuildOptions& options);
Status build_bundle(const BuildOptions& options, const Globals& globals);
Status build_tensorrt(const BuildOptions& options, const Globals& globals);

}  // namespace tenon::cli
