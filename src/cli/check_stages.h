// The stages of `tenon check`.
#pragma once

#include <optional>

#include "api/walk.h"
#include "cli/engine_options.h"

namespace tenon::cli {

struct CheckRequest {
  std::string model, expected;
  std::vector<std::string> against;
  int opset = 17;
  api::LoadOptions reading;
  api::CompileOptions compiling;
  bool with_torch = false;  // the reference is what PyTorch computes now
  std::string python = "python3";
  TensorrtRunOptions tensorrt;  // where engines among `against` run
  bool verbose = false;
  numerics::ToleranceOptions tolerances;
  InputOptions inputs;
};

struct CheckedStage {
  api::StageReport report;
  std::string note = {};  // "reference kernels", "the graph read back is the same"
  std::optional<api::Divergence> divergence = {};
  std::string culprit = {};  // the optimisation without which the stage agrees
};

struct Checked {
  std::string reference;  // "torch 2.15.0 (live)", "recorded" or "tenon-ir only"
  std::vector<CheckedStage> stages;
  std::string insensitive;  // why the outputs say nothing of the inputs; empty where they do
  std::string sizes;        // sizes_verdict() of the model
  // Why a further file could not be run: an engine without a GPU. The stages before it stand.
  std::optional<Error> stopped = {};
};

// Runs the stages on the same inputs: PyTorch's outputs, live or recorded, where there are any, the
// IR on reference kernels, the ONNX file written and read back, the engine, further files.
Result<Checked> check_stages(const CheckRequest& request, const api::Tables& tables,
                             const std::function<void(double, std::string_view)>& progress);

}  // namespace tenon::cli
