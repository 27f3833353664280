// Builds engines with TensorRT's own Python module, in the child process.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "targets/tensorrt/child.h"
#include "targets/tensorrt/profile.h"

namespace tenon::tensorrt {

// Deep learning accelerators of a Jetson's.
struct Dla {
  int core = 0;
  bool gpu_fallback = false;  // what they do not take runs on the GPU
};

struct BuildRequest {
  std::string model;   // the ONNX file
  std::string engine;  // the file to write
  std::vector<Profile> profiles = {};
  // The type of every tensor by its name, for releases whose networks have no types.
  std::map<std::string, DType> tensor_types = {};
  bool tf32 = false;
  std::vector<std::string> flags = {};                 // BuilderFlag, "VERSION_COMPATIBLE"
  std::vector<std::string> compute_capabilities = {};  // "8.6"; TensorRT-RTX alone
  std::map<std::string, uint64_t> memory_pools = {};   // bytes by MemoryPoolType, "WORKSPACE"
  std::map<std::string, int64_t> settings = {};        // "builder_optimization_level"
  std::string profiling_verbosity = {};                // "DETAILED"; empty: TensorRT's own
  std::string timing_cache = {};                       // a file that is read and written
  std::optional<Dla> dla_core = {};
  std::vector<std::string> plugins = {};  // libraries
  bool verbose = false;                   // also TensorRT's informative messages
  ChildLimits limits = {};
  std::function<void(double, std::string_view)> progress = {};
};

// The network as TensorRT's parser understood the model.
struct NetworkTensor {
  std::string name;
  std::string dtype;                          // "f16"
  std::optional<std::vector<int64_t>> shape;  // -1: dynamic
};
struct NetworkLayer {
  std::string name, type;  // "conv1/Conv", "CONVOLUTION"
  std::vector<NetworkTensor> outputs;
};
struct Network {
  std::vector<NetworkTensor> inputs, outputs;
  std::vector<NetworkLayer> layers;
};

// An error of TensorRT's parser or builder as it says it.
struct RawError {
  std::string text;      // "false", "creator && \"Plugin not found\""
  std::string node;      // name, where the release tells it
  std::string op;        // of the node, likewise
  std::string function;  // of the parser
  int64_t index = -1;    // of the node in the model's list
};

struct BuildReport {
  Module module;
  Network network;
  std::vector<RawError> parse_errors;
  std::vector<std::string> warnings, errors;  // TensorRT's own messages
  std::vector<std::string> messages;          // the others, where it was asked to say more
  std::vector<std::string> untyped;           // tensors whose layers could not be given a type
  uint64_t engine_bytes = 0;
  double seconds = 0;
  uint64_t peak_memory = 0;
  // Why there is no engine; what parse_errors and errors say comes with it.
  std::optional<Error> failure;
};

// What is installed. Fails where nothing is, with how to install it.
Result<Module> probe(const Python& python);

// A report with `failure` where TensorRT refuses the model: its errors are to be put into words
// (diagnosis.h). Fails where there was nothing to ask: no interpreter, no module.
Result<BuildReport> build(const Python& python, const BuildRequest& request);

}  // namespace tenon::tensorrt
