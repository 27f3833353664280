// The reference kernel of an operator: plain, exact in its definition, the oracle of everything
// that is faster.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace tenon::ir {

// What a value holds while a graph is evaluated: a tensor, or a sequence of tensors.
struct RefValue {
  Tensor tensor = {};
  std::optional<std::vector<Tensor>> sequence = {};
};

struct RefContext {
  const Node& node;
  std::span<const Tensor* const> inputs;  // null where an optional input is absent
  std::vector<Tensor> outputs;  // one for each of the node's outputs; the kernel sets them
  std::span<const RefValue* const> values = {};      // the same inputs, sequences included
  std::optional<std::vector<Tensor>> sequence = {};  // set where the one output is a sequence

  template <class Op>
  Op as() const {
    return node.as<Op>();
  }
  const Tensor& input(size_t i) const { return *inputs[i]; }
  bool has(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  // The elements of input i, a sequence; null where it is none.
  const std::vector<Tensor>* sequence_input(size_t i) const;
  std::unexpected<Error> fail(std::string why, std::string hint = {}) const;
  // The kernel does not take this, though the operator does.
  std::unexpected<Error> unsupported(std::string why, std::string hint) const;
};

// Computes in the type of its inputs: half types are widened for each operation and rounded once at
// the end; f32 accumulates in double; doubles stay doubles, which makes a graph converted to f64
// its own high-precision oracle.
struct RefKernel {
  std::string_view name;
  Status (*run)(RefContext&) = nullptr;
  std::string_view domain;
};

class RefKernels {
 public:
  RefKernels() = default;
  explicit RefKernels(std::span<const RefKernel* const> kernels);
  const RefKernel* find(std::string_view domain, std::string_view name) const;

 private:
  std::unordered_map<std::string, const RefKernel*> kernels_;
};

// Runs one node without subgraphs.
Result<std::vector<Tensor>> evaluate_node(const Node& node, const RefKernels& kernels,
                                          std::span<const Tensor* const> inputs);

// Sees a node with its outputs after it ran (empty tensors in place of sequences).
using RefObserver = void (*)(void* state, const Node&, std::span<const Tensor>);

// Runs a graph node by node on reference kernels (If and Loop included). Inputs in the graph's
// order.
Result<std::vector<Tensor>> evaluate(const Graph& graph, const RefKernels& kernels,
                                     std::span<const Tensor> inputs, RefObserver each = nullptr,
                                     void* state = nullptr);
// The same where inputs or outputs may be sequences.
Result<std::vector<RefValue>> evaluate_values(const Graph& graph, const RefKernels& kernels,
                                              std::span<const RefValue> inputs,
                                              RefObserver each = nullptr, void* state = nullptr);

}  // namespace tenon::ir
