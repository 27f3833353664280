// What the core knows of an operator: its name, how many inputs and outputs it takes, and type and
// shape inference.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace tenon::ir {

// Given to an operator's inference function: reads the node's inputs, sets its outputs' types.
class InferContext {
 public:
  explicit InferContext(Node& node) : node_(node) {}

  const Node& node() const { return node_; }
  template <class Op>
  Op as() const {
    return node_.as<Op>();
  }
  size_t input_count() const { return node_.inputs().size(); }
  size_t output_count() const { return node_.outputs().size(); }
  const Value* input(size_t i) const { return node_.input(i); }
  bool has(size_t i) const { return node_.input(i) != nullptr; }
  DType dtype(size_t i) const { return has(i) ? input(i)->dtype() : DType::undefined; }
  // The shape of input i; null where the input is absent or its rank is not known.
  const Shape* shape(size_t i) const;
  // The elements of a small integer input, where they are known (constants included, any integer
  // dtype).
  std::optional<std::vector<Dim>> contents(size_t i) const;
  std::optional<std::vector<int64_t>> constant_ints(size_t i) const;
  const Tensor* constant(size_t i) const;
  Ranges ranges() const { return node_.graph->ranges(); }

  void set(size_t output, DType dtype, std::optional<Shape> shape);
  void set_type(size_t output, Type type);
  void set_contents(size_t output, std::optional<std::vector<Dim>> contents);
  // A dimension that data decides: a new symbol bound to output `output`'s size along `axis`.
  // Inferring the node again gives the same symbol again.
  Dim data_dim(size_t output, size_t axis, Interval range = {0, Interval::kMax});

  std::unexpected<Error> fail(std::string why, std::string hint = {}) const;

 private:
  Node& node_;
};

struct OpSpec {
  std::string_view name;
  int min_inputs = 1;
  int max_inputs = 1;  // -1: any number
  int min_outputs = 1;
  int max_outputs = 1;  // -1: any number
  Status (*infer)(InferContext&) = nullptr;
  // Checks that the attributes are those of the operator (attributes_of<Op>).
  Status (*check_attributes)(const Attributes&) = nullptr;
  std::string_view domain;
  bool random = false;  // gives other results each time: never folded, never merged
};

template <class Op>
Status attributes_of(const Attributes& attributes) {
  auto op = from_attributes<Op>(attributes);
  if (!op) return std::unexpected(std::move(op).error());
  return {};
}

// The operators in use, by name. Built once at the top from the generated table and handed down.
class OpSet {
 public:
  OpSet() = default;
  explicit OpSet(std::span<const OpSpec* const> specs);
  const OpSpec* find(std::string_view domain, std::string_view name) const;
  std::vector<const OpSpec*> all() const;

 private:
  std::unordered_map<std::string, const OpSpec*> specs_;  // "domain::name"
};

// Checks arity and attributes and infers the outputs' types of one node.
Status infer(Node& node, const OpSet& ops);
// Infers every node, subgraphs included, in order. Control flow's subgraph inputs are set by its
// operators' inference.
Status infer(Graph& graph, const OpSet& ops);

// Inference adds to what is known of values and forgets nothing: call this first where the types of
// a graph's inputs have changed.
void forget_contents(Graph& graph);

// Broadcasts as ONNX and NumPy do. Sizes that cannot be decided to be 1 or equal are taken as equal
// where one of them is the other or 1 by range; otherwise the larger of both, as a symbol
// expression.
Result<Shape> broadcast(const Shape& a, const Shape& b, const Ranges& ranges);
// -rank <= axis < rank, or an error.
Result<size_t> normalize_axis(int64_t axis, size_t rank);

}  // namespace tenon::ir
