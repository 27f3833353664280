// Emits nodes with inferred types.
//
// Errors stick: after the first, emission goes on with placeholders of unknown type, and status()
// tells it. So lowerings read as the formulas that they are, and whoever called them checks once.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ir/op.h"

namespace tenon::ir {

class Builder {
 public:
  Builder(Graph& graph, const OpSet& ops) : graph_(&graph), ops_(&ops) {}

  Graph& graph() const { return *graph_; }
  const OpSet& ops() const { return *ops_; }
  // Moves emission to another graph (a subgraph, or back); returns the one before.
  Graph* enter(Graph& graph) { return std::exchange(graph_, &graph); }
  void set_origin(OriginRef origin) { origin_ = std::move(origin); }
  const OriginRef& origin() const { return origin_; }
  // Emission before this node instead of at the end of the graph.
  void insert_before(Node* node) { before_ = node; }

  template <class Op>
  Value* emit(const Op& op, std::vector<Value*> inputs) {
    return emit_node(domain_of<Op>(), std::string(Op::kName), to_attributes(op), std::move(inputs),
                     1)
        ->output(0);
  }
  template <class Op>
  std::vector<Value*> emit_n(const Op& op, std::vector<Value*> inputs, size_t outputs) {
    Node* node = emit_node(domain_of<Op>(), std::string(Op::kName), to_attributes(op),
                           std::move(inputs), outputs);
    return {node->outputs().begin(), node->outputs().end()};
  }
  // By name, for families without attributes: emit_named("Add", {a, b}).
  Value* emit_named(std::string op, std::vector<Value*> inputs) {
    return emit_node("", std::move(op), {}, std::move(inputs), 1)->output(0);
  }
  Value* emit_with(std::string op,
                   std::initializer_list<std::pair<std::string, Attribute>> attributes,
                   std::vector<Value*> inputs);
  // A Cast, or the value itself where it has that type.
  Value* cast(Value* value, DType to);
  Node* emit_node(std::string domain, std::string op, Attributes attributes,
                  std::vector<Value*> inputs, size_t outputs);

  Value* constant(Tensor tensor, std::string name = {}) {
    return graph_->root().add_constant(std::move(tensor), std::move(name));
  }
  Value* ints(std::span<const int64_t> values) { return constant(Tensor::vector_i64(values)); }
  Value* ints(std::initializer_list<int64_t> values) {
    return constant(Tensor::vector_i64({values.begin(), values.size()}));
  }
  Value* scalar_int(int64_t value) { return constant(Tensor::scalar_i64(value)); }
  // A 0-d constant of any numeric type.
  Value* scalar(double value, DType dtype) { return constant(scalar_tensor(value, dtype)); }
  // Sizes as an i64 vector, computed from the graph's symbols where they are not constant.
  Value* shape(std::span<const Dim> dims);
  // One symbolic integer as an i64 scalar.
  Value* dim(const Dim& dim);

  // Forgets sizes computed in graphs that are not around the one being built (they may be gone).
  void forget_others();
  void fail(Error error);
  bool failed() const { return failed_.has_value(); }
  // The first error since the last call, or success; clears it.
  Status status();

  static Tensor scalar_tensor(double value, DType dtype);

 private:
  template <class Op>
  static std::string domain_of() {
    if constexpr (requires { Op::kDomain; })
      return std::string(Op::kDomain);
    else
      return {};
  }
  Value* symbol_value(const std::string& name);
  Value* dim_vector(const Dim& dim);  // i64[1]
  Value* cached(const std::string& key) const;
  Value* remember(const std::string& key, Value* value);

  Graph* graph_;
  const OpSet* ops_;
  OriginRef origin_;
  Node* before_ = nullptr;
  std::optional<Error> failed_;
  std::map<std::pair<const Graph*, std::string>, Value*> dims_;
};

}  // namespace tenon::ir
