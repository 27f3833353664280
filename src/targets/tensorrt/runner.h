// Runs engines with TensorRT's own Python module, in the child process.
#pragma once

#include "targets/tensorrt/child.h"
#include "targets/tensorrt/description.h"

namespace tenon::tensorrt {

struct Gpu {
  std::string name, capability;  // "NVIDIA A10", "8.6"
};

// One set of inputs, in the order of the engine's description.
struct RunSet {
  size_t profile = 0;  // that the shapes fit: fitting_profile()
  std::vector<Tensor> inputs;
};

struct RunRequest {
  std::string engine;  // the file
  Description about;
  std::vector<RunSet> sets;  // run one after the other; the engine is loaded once
  bool verbose = false;
  ChildLimits limits = {};
  std::function<void(double, std::string_view)> progress = {};
};

struct RunOutputs {
  // In the order of the description; what is padded is cut to what counts, and the counts are left
  // out.
  std::vector<Tensor> outputs;
  double milliseconds = 0;  // from the inputs on the host to the outputs there
};
struct RunReport {
  Module module;
  Gpu gpu;
  double load_ms = 0;
  std::vector<RunOutputs> sets;
  std::vector<std::string> warnings;
  std::vector<std::string> messages;  // where it was asked to say more
};

// Fails where there is no TensorRT of the engine's release, no GPU that it was built for, and where
// TensorRT does not take or run it.
Result<RunReport> run(const Python& python, const RunRequest& request);

struct BenchSubject {
  std::string engine;
  Description about;
  RunSet inputs;
};
struct BenchRequest {
  std::vector<BenchSubject> subjects;  // of the same release; measured in turns
  double warm_up_s = 0.2, duration_s = 5;
  size_t iterations = 0;        // 0: as many as the duration takes
  size_t least_iterations = 1;  // and no fewer than these
  bool cuda_graph = false;
  bool verbose = false;
  ChildLimits limits = {};
  std::function<void(double, std::string_view)> progress = {};
};

inline constexpr int kProfiledRuns = 10;  // that layers' times are the mean of; runner.py's too

struct LayerTime {
  std::string name;  // as TensorRT says it: of the ONNX nodes that it made the layer of
  double milliseconds = 0;
};
struct BenchResult {
  double load_ms = 0, first_ms = 0;
  uint64_t gpu_bytes = 0;  // of the GPU's memory, for the engine and its context
  // Of every inference: with its copies, between two events of the GPU, of the call alone.
  std::vector<double> latency_ms, gpu_ms, enqueue_ms;
  // When it began, on a clock of its own; the copies to the GPU and back, between events.
  std::vector<double> start_ms, copies_in_ms, copies_out_ms;
  std::vector<LayerTime> layers;  // in the order of execution
};
struct BenchReport {
  Module module;
  Gpu gpu;
  std::vector<BenchResult> results;
  std::vector<std::string> warnings;
  std::vector<std::string> messages;  // where it was asked to say more
};

Result<BenchReport> bench(const Python& python, const BenchRequest& request);

// The modules of the kind that the engine was built with.
std::vector<std::string> modules_for(const Description& about);

}  // namespace tenon::tensorrt
