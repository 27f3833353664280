// A model becomes an engine of TensorRT's: the graph is written as TensorRT wants it, built by its
// Python module, and described.
#pragma once

#include "api/shapes.h"
#include "api/verify.h"
#include "onnx/lower.h"
#include "targets/tensorrt/builder.h"
#include "targets/tensorrt/description.h"
#include "targets/tensorrt/network_types.h"

namespace tenon::api {

struct TensorrtOptions {
  std::string target = "tensorrt";  // as it was asked for
  tensorrt::Python python;
  int opset = 0;  // 0: the newest that suits the release
  // What TensorRT is told; model, engine, profiles and types are filled in.
  tensorrt::BuildRequest request;
  // Empty: one profile, of the graph's ranges.
  std::vector<ProfileSpecs> profiles = {};
  bool verify = true;
  numerics::ToleranceOptions tolerances = {};
  int threads = 0;  // of the engine that stands in for TensorRT's when outputs are verified
  // An engine at the same path with the same key is built again.
  bool rebuild = false;
};

struct TensorrtBuild {
  tensorrt::Description description;
  tensorrt::BuildReport report;
  tensorrt::TypeCheck types;
  std::vector<onnx::Composition> composed;
  // Of the ONNX file that TensorRT was given, computed by our engine: TensorRT's is not run.
  std::optional<Verification> verification;
  bool reused = false;  // the engine that was there has the same key
};

// Writes the engine and its description, ENGINE.json, or neither. Fails with everything that
// TensorRT refuses, in words.
Result<TensorrtBuild> build_tensorrt(const Loaded& loaded, const std::string& model_path,
                                     const std::string& engine_path, const TensorrtOptions& options,
                                     const Tables& tables);

}  // namespace tenon::api
