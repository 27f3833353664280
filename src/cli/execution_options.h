// Options of the commands that run something: where inputs come from, how the engine is made.
#pragma once

#include "api/inputs.h"
#include "api/session.h"
#include "cli/command.h"

namespace tenon::cli {

struct InputOptions {
  std::string file;
  uint64_t seed = 0;
  std::string range;

  void declare(CLI::App& app);
  bool random() const { return file.empty(); }
  // The npz's tensors; none where random ones are to be made.
  Result<std::vector<NamedTensor>> read() const;
  // Those, or random ones of these shapes, in the order of the graph's inputs.
  Result<std::vector<Tensor>> make(const ir::Graph& graph, const std::vector<NamedTensor>& given,
                                   const std::vector<InputSpec>& shapes) const;
};

struct EngineOptions {
  int threads = 0;
  std::vector<std::string> disabled;

  void declare(CLI::App& app);
  Result<api::CompileOptions> parse() const;
};

}  // namespace tenon::cli
