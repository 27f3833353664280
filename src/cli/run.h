// What the kinds of files that tenon run takes share: its options, and how outputs are shown.
#pragma once

#include "cli/engine_options.h"
#include "cli/summary.h"

namespace tenon::cli {

struct RunOptions {
  std::string file, out;
  ModelOptions reading;
  InputOptions inputs;
  EngineOptions engine;
  TensorrtRunOptions tensorrt;
};

Json tensors_json(const std::vector<NamedTensor>& tensors);
std::string tensors_text(const std::vector<NamedTensor>& tensors);

Status run_engine(const RunOptions& options, const Globals& globals);

}  // namespace tenon::cli
