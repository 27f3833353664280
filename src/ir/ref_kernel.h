// The reference kernel of an operator: plain, exact in its definition, the oracle of everything
// that is faster.
#pragma once

#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace tenon::ir {

struct RefContext {
  const Node& node;
  std::span<const Tensor* const> inputs;  // null where an optional input is absent
  std::vector<Tensor> outputs;  // one for each of the node's outputs; the kernel sets them

  template <class Op>
  Op as() const {
    return node.as<Op>();
  }
  const Tensor& input(size_t i) const { return *inputs[i]; }
  bool has(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  std::unexpected<Error> fail(std::string why, std::string hint = {}) const;
};

// Computes in the type of its inputs: half types are widened to float for each operation and
// rounded once at the end; doubles stay doubles, which makes a graph converted to f64 its own
// high-precision oracle.
struct RefKernel {
  std::string_view name;
  Status (*run)(RefContext&) = nullptr;
  std::string_view domain = "";
};

class RefKernels {
 public:
  RefKernels() = default;
  explicit RefKernels(std::span<const RefKernel* const> kernels);
  const RefKernel* find(std::string_view domain, std::string_view name) const;

 private:
  std::unordered_map<std::string, const RefKernel*> kernels_;
};

// Runs a graph node by node on reference kernels (If and Loop included). Inputs in the graph's
// order. `each`, where given, sees every node with its outputs after it ran.
Result<std::vector<Tensor>> evaluate(const Graph& graph, const RefKernels& kernels,
                                     std::span<const Tensor> inputs,
                                     void (*each)(void* state, const Node&,
                                                  std::span<const Tensor>) = nullptr,
                                     void* state = nullptr);

}  // namespace tenon::ir
