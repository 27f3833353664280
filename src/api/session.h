// Any file that can run, made ready to run: models and ONNX files are compiled in memory, plans are
// loaded.
#pragma once

#include "api/load.h"
#include "targets/cpu/engine.h"

namespace tenon::api {

struct CompileOptions {
  int threads = 0;
  bool time_tactics = false;  // false: the soonest first answer
  // Passes and optimisations of the engine to leave out, by name.
  std::vector<std::string> disabled = {};
  std::string timing_cache = {};
  std::function<void(double, std::string_view)> progress = {};
};

// Optimises the graph, which it changes, and compiles it for this machine.
Result<cpu::Engine> compile(ir::Graph& graph, const CompileOptions& options, const Tables& tables);

struct Session {
  archive::FileKind kind = archive::FileKind::unknown;  // unknown for a plan
  bool is_plan = false;
  std::vector<torch::Notice> notices = {};
  cpu::Engine engine;
};

Result<Session> open_session(const std::string& path, const LoadOptions& reading,
                             const CompileOptions& compiling, const Tables& tables);

bool is_plan(const std::string& path);

// Fails with every operator that the CPU engine has neither a kernel nor a reference for.
Status check_cpu(const ir::Graph& graph, const Tables& tables);

// The names that --disable takes, passes first.
std::vector<std::string> optimisation_names();

}  // namespace tenon::api
