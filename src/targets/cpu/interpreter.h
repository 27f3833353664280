// Runs a lowered graph node by node: for graphs whose sizes data decides, with control flow or
// sequences. Kernels prepared for sizes seen before are used again, and so is memory.
#pragma once

#include <map>
#include <mutex>
#include <unordered_map>

#include "targets/cpu/state.h"

namespace tenon::cpu {

struct ContextState;

// Memory that is given back is kept for the next request of about that size, up to a bound.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  std::shared_ptr<std::byte> take(size_t bytes);
  ~BufferPool();

 private:
  void give(std::byte* memory, size_t capacity);
  static constexpr size_t kMostKept = size_t{1} << 30;
  std::mutex mutex_;
  std::multimap<size_t, std::byte*> free_;
  size_t kept_ = 0;
};

// What an interpreter knows of a value while it runs.
struct Held {
  Tensor tensor;  // its bytes are in layout `block`
  int block = 0;
  std::optional<std::vector<Tensor>> sequence = {};
};

class Interpreter {
 public:
  Interpreter(ContextState& context, const EngineState& engine);
  Result<std::vector<Tensor>> run(const ir::Bindings& bindings, std::span<const Tensor> inputs);

 private:
  struct Kernel {
    bool runs = false;  // else the node's reference kernel has to
    Prepared prepared;
    std::vector<Desc> outputs;
  };

  void prepare(const ir::Graph& graph);
  Result<std::vector<Held>> run(const ir::Graph& graph, std::vector<Held> inputs);
  Status run(const ir::Node& node);
  Status run_if(const ir::Node& node);
  Status run_loop(const ir::Node& node);
  Status run_reference(const ir::Node& node);
  // False where the node has no fast kernel for these sizes.
  Result<bool> run_fast(const ir::Node& node);
  Result<const Kernel*> kernel(const ir::Node& node, std::span<const Operand> inputs,
                               std::vector<Desc> outputs);
  Result<const Held*> get(const ir::Value* value);
  Result<Held> plain(const Held& held);
  void set(const ir::Value* value, Held held);
  Result<bool> condition(const ir::Node& node, const ir::Value* value);

  ContextState& context_;
  const EngineState& engine_;
  std::shared_ptr<BufferPool> pool_ = std::make_shared<BufferPool>();
  ir::Bindings bindings_;
  std::unordered_map<const ir::Value*, Held> values_;
  std::unordered_map<const ir::Node*, std::vector<const ir::Value*>> last_uses_;
  std::unordered_map<const ir::Graph*, const ir::Node*> owners_;
  std::unordered_multimap<const ir::Value*, const ir::Symbol*> sources_;
  std::unordered_map<const ir::Graph*, std::vector<const ir::Symbol*>> bound_by_;  // of subgraphs
  std::map<std::pair<const ir::Node*, std::vector<Dims>>, Kernel> kernels_;
};

}  // namespace tenon::cpu
