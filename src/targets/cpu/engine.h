// The CPU engine: a graph compiled for this machine, ready to run.
//
//   auto engine = TRY(Engine::compile(graph, tables, {.threads = 2}));
//   TRY(engine.save("model.tenon"));                    // or Engine::load("model.tenon", tables)
//   Context context = engine.new_context();
//   std::vector<Tensor> outputs = TRY(context.run(inputs));
//
// An Engine is immutable to its users and may be shared between threads; a Context is for one
// thread at a time. The sizes at which dynamic dimensions may run are those of the graph's symbols
// (range and opt).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/op.h"
#include "ir/ref_kernel.h"

namespace tenon::cpu {

struct KernelSpec;
struct EngineState;
struct ContextState;

// What the engine is made of; built once at the top from the generated tables (ops/tables.h).
struct Tables {
  ir::OpSet ops;
  ir::RefKernels refs;
  std::vector<const KernelSpec*> kernels;
};

struct CompileOptions {
  int threads = 0;           // 0: from affinity, cgroup quota and physical cores
  bool time_tactics = true;  // false: each node's first tactic, for the soonest answer
  // Optimisations to leave out, by name: see optimisations().
  std::vector<std::string> disabled;
  // A file that remembers measured tactics between builds; empty for none.
  std::string timing_cache;
  // Packed weights may take at most this many times the canonical weights' size.
  double max_plan_growth = 6.0;
  // Called now and then with the share of the work done, 0 to 1, and what is being done.
  std::function<void(double, std::string_view)> progress;
};

struct LoadOptions {
  int threads = 0;  // 0: those that the plan was built for, where the machine has them
};

// The names that CompileOptions::disabled takes.
std::span<const std::string_view> optimisations();

// Threads from the process's affinity mask, the cgroup's quota and the physical cores.
int default_threads();

struct IoInfo {
  std::string name;
  DType dtype = DType::undefined;
  ir::Shape shape;
};

struct LayerInfo {
  std::string name;         // the node's
  std::string op;           // "Conv+Relu"
  std::string tactic;       // "winograd", "reference", ...
  std::string module;       // "layer1.0.conv1"
  std::string source;       // "resnet.py:94"
  double milliseconds = 0;  // mean of the profiled runs
};

class Context {
 public:
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

  // Inputs in the engine's order; they are read where they lie. The outputs' memory is used again
  // by a later run once the caller has let go of it.
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs);

  // Times each layer of the runs that follow; layers() gives the means in order of execution.
  void set_profiling(bool on);
  std::vector<LayerInfo> layers() const;
  // Bytes of the arena in use.
  size_t memory() const;

 private:
  friend class Engine;
  explicit Context(std::unique_ptr<ContextState> state);
  std::unique_ptr<ContextState> state_;
};

class Engine {
 public:
  static Result<Engine> compile(const ir::Graph& graph, const Tables& tables,
                                const CompileOptions& options = {});
  // Maps the plan file and makes it ready for the first inference at the opt shapes.
  static Result<Engine> load(const std::string& path, const Tables& tables,
                             const LoadOptions& options = {});
  // Writes the plan; nothing is left at `path` on failure.
  Status save(const std::string& path) const;

  std::span<const IoInfo> inputs() const;
  std::span<const IoInfo> outputs() const;
  std::span<const ir::Symbol> symbols() const;  // ranges and opt sizes
  const ir::Graph& graph() const;               // canonical, as compiled
  int threads() const;
  // What was done otherwise than asked or stored ("weights of 3 nodes were packed again: ...").
  std::span<const std::string> notices() const;
  size_t weight_bytes() const;  // canonical
  size_t packed_bytes() const;  // beside them

  Context new_context() const;

 private:
  explicit Engine(std::shared_ptr<EngineState> state) : state_(std::move(state)) {}
  std::shared_ptr<EngineState> state_;
};

}  // namespace tenon::cpu
