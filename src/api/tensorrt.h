// A model becomes an engine of TensorRT's: the graph is written as TensorRT wants it, built by its
// Python module, and described.
#pragma once

#include "api/precision.h"
#include "api/shapes.h"
#include "api/verify.h"
#include "onnx/writer.h"
#include "passes/bounded_sizes.h"
#include "targets/tensorrt/builder.h"
#include "targets/tensorrt/description.h"
#include "targets/tensorrt/network_types.h"
#include "targets/tensorrt/release.h"

namespace tenon::api {

// A model as a release of TensorRT is given it.
struct TensorrtModel {
  int opset = 0;
  std::unique_ptr<ir::Graph> typed;  // canonical, in the precision that was asked for
  onnx::FileGraph written;           // the same as it stands in the ONNX file
  std::optional<passes::ReducedPrecision> reduced;  // nothing in fp32
  // Outputs whose sizes the data decides, where the release has no such thing.
  std::vector<passes::BoundedOutput> bounded = {};
  std::unique_ptr<ir::Graph> bounded_fp32 = {};  // canonical; null where nothing is bounded
};
// Opset 0 is the newest at which the release takes all of it. Fails with everything that it would
// refuse.
Result<TensorrtModel> prepare_for_tensorrt(const ir::Graph& graph, const tensorrt::Release& release,
                                           PrecisionOptions precision, int opset, bool dla,
                                           const Tables& tables);

// One profile for each of the specs, else the one of the graph's ranges, which stands in too for
// inputs that a profile does not name.
Result<std::vector<tensorrt::Profile>> profiles_for(const std::vector<ProfileSpecs>& specs,
                                                    const ir::Graph& graph);

// The tolerance of outputs that a model in this precision is held to, where none is asked for.
numerics::ToleranceOptions tolerances_of(DType precision, numerics::ToleranceOptions asked);

struct TensorrtOptions {
  std::string target = "tensorrt";  // as it was asked for
  tensorrt::Python python;
  int opset = 0;  // 0: the newest that suits the release
  PrecisionOptions precision = {.type = DType::f32};
  // What TensorRT is told; model, engine, profiles and types are filled in.
  tensorrt::BuildRequest request;
  // Empty: one profile, of the graph's ranges.
  std::vector<ProfileSpecs> profiles = {};
  bool verify = true;
  numerics::ToleranceOptions tolerances = {};
  int threads = 0;  // of the engine that stands in for TensorRT's when outputs are verified
  // An engine at the same path with the same key is built again.
  bool rebuild = false;
  std::string onnx = {};  // where the model that TensorRT is given is kept; empty: nowhere
};

struct TensorrtBuild {
  std::unique_ptr<ir::Graph> graph;  // in the precision that was asked for
  tensorrt::Description description;
  tensorrt::BuildReport report;
  tensorrt::TypeCheck types;
  std::vector<onnx::Composition> composed;
  std::optional<passes::ReducedPrecision> reduced;
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
