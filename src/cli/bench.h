// What the kinds of files that tenon bench takes share: its options.
#pragma once

#include "cli/engine_options.h"
#include "cli/summary.h"

namespace tenon::cli {

struct BenchOptions {
  std::vector<std::string> files;
  size_t iterations = 0;
  std::string duration = "5s", warm_up = "200ms";
  bool cuda_graph = false;
  ModelOptions reading;
  InputOptions inputs;
  EngineOptions engine;
  TensorrtRunOptions tensorrt;
};

constexpr size_t kShownLayers = 20;

Json quantiles_json(const std::vector<double>& milliseconds);
std::string quantiles_text(const std::vector<double>& milliseconds);

Status bench_engines(const BenchOptions& options, const Globals& globals);

}  // namespace tenon::cli
