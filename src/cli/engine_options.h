// What the commands that run an engine of TensorRT's share: which Python it runs in, the inputs.
#pragma once

#include "api/engine_file.h"
#include "cli/execution_options.h"
#include "cli/model_options.h"
#include "targets/tensorrt/runner.h"

namespace tenon::cli {

struct TensorrtRunOptions {
  std::string python = "python3", time_limit, memory_limit;

  // The interpreter's option is declared under this name: "--python".
  void declare(CLI::App& app, const std::string& python_option);
  Result<tensorrt::ChildLimits> limits() const;
};

// Fails where options are given that change how a model is read or compiled: an engine is fixed.
Status refuse_model_options(const ModelOptions& reading, const EngineOptions& engine,
                            const std::string& file);

// The inputs that the options say, and the profile that they fit.
Result<tensorrt::RunSet> engine_inputs(const api::EngineFile& engine, const InputOptions& inputs,
                                       const ModelOptions& reading);

// What TensorRT itself has said, on stderr.
void print_tensorrt_messages(const std::vector<std::string>& messages);

}  // namespace tenon::cli
