// The graph: values in static single assignment, nodes in topological order, subgraphs for control
// flow, guards.
//
// Operators have the meaning of one opset, kCanonicalOpset, of ONNX's default domain, or of the
// `tenon` domain. Constants are values without a producer that hold a tensor (ONNX's initializers);
// there are no Constant nodes. A subgraph uses values of the graphs around it directly. A graph's
// outputs are the inputs of its `result` node, so that uses of values are all of one kind.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/attributes.h"
#include "ir/dim.h"
#include "ir/type.h"

namespace tenon::ir {

inline constexpr int kCanonicalOpset = 28;

class Graph;
struct Node;

// One line of the Python program that a node came from, innermost first in a stack.
struct Frame {
  std::string file;
  int line = 0;
  std::string function;
  std::string str() const;  // "resnet.py:94"
};

// Where a node comes from; shared by all nodes of the same line.
struct Origin {
  std::string module;         // module path, "layer1.0.conv1"
  std::vector<Frame> frames;  // innermost first; empty where the file holds no source lines
};
using OriginRef = std::shared_ptr<const Origin>;
Where where(const OriginRef& origin);

struct Use {
  Node* node = nullptr;
  size_t index = 0;  // which input
  bool operator==(const Use&) const = default;
};

struct Value {
  uint32_t id = 0;
  std::string name;  // may be empty, or not unique until assign_names() ran
  Type type;
  Node* producer = nullptr;  // null for graph inputs and constants
  size_t output_index = 0;
  Graph* graph = nullptr;
  std::optional<Tensor> constant;
  // Elements of a small integer tensor (a shape, say) in terms of symbols, where they are known.
  std::optional<std::vector<Dim>> contents;
  std::vector<Use> uses;

  bool is_constant() const { return constant.has_value(); }
  DType dtype() const { return type.dtype; }
  const std::optional<Shape>& shape() const { return type.shape; }
  std::optional<size_t> rank() const {
    return shape() ? std::optional(shape()->size()) : std::nullopt;
  }
};

struct Subgraph {
  std::string name;  // "then_branch"
  std::unique_ptr<Graph> graph;
};

struct Node {
  uint32_t id = 0;
  std::string domain;  // "" is ONNX's own, "tenon" ours
  std::string op;      // "Softmax"
  std::string name;
  Attributes attributes;
  std::vector<Subgraph> subgraphs;
  OriginRef origin;
  Graph* graph = nullptr;

  std::span<Value* const> inputs() const {
    return inputs_;
  }  // null where an optional input is absent
  std::span<Value* const> outputs() const { return outputs_; }
  Value* input(size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }
  Value* output(size_t i = 0) const { return outputs_[i]; }
  Graph* subgraph(std::string_view name) const;
  bool is(std::string_view op_name) const { return domain.empty() && op == op_name; }
  // The attributes as an operator's struct; the verifier has made sure that they fit.
  template <class Op>
  Op as() const {
    auto op = from_attributes<Op>(attributes);
    return op ? *op : Op{};
  }
  Where where() const;

 private:
  friend class Graph;
  std::vector<Value*> inputs_;
  std::vector<Value*> outputs_;
  std::list<std::unique_ptr<Node>>::iterator self_;
};

// A named dynamic dimension: its range, the size at which to optimise, and the input axes that
// define it.
struct Symbol {
  std::string name;
  Interval range = {0, Interval::kMax};
  std::optional<int64_t> opt;
  // Symbols that inputs do not define (sizes that data decides) are bound when this value is
  // computed: its size along `axis`, or, where axis is -1, the scalar itself.
  Value* source = nullptr;
  int axis = -1;
};

// A relation that the program relied on and that is checked when it runs: lhs (== | <= | !=) rhs.
struct Guard {
  enum class Relation : uint8_t { eq, le, ne };
  Dim lhs;
  Relation relation = Relation::eq;
  Dim rhs;
  OriginRef origin;
  std::string reason;  // "the branch at vision.py:31 was decided by it"
  std::string str() const;
};

using NodeList = std::list<std::unique_ptr<Node>>;

class Graph {
 public:
  Graph() : Graph(nullptr) {}
  explicit Graph(Graph* parent);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph();

  std::string name = "main";
  Graph* parent() const { return parent_; }
  Graph& root() { return parent_ ? parent_->root() : *this; }
  const Graph& root() const { return parent_ ? parent_->root() : *this; }

  // --- values
  Value* add_input(std::string name, Type type);
  Value* add_constant(Tensor tensor, std::string name = {});
  std::span<Value* const> inputs() const { return inputs_; }
  std::span<Value* const> outputs() const { return result_->inputs(); }
  void add_output(Value* value) { add_node_input(result_.get(), value); }
  void set_output(size_t index, Value* value) { set_input(result_.get(), index, value); }
  void remove_output(size_t index);
  void remove_input(size_t index);  // must have no uses
  std::vector<Value*> constants()
      const;  // those of this graph that have uses, in order of creation

  // --- nodes, in topological order
  const NodeList& nodes() const { return nodes_; }
  size_t size() const { return nodes_.size(); }
  const Node* result() const { return result_.get(); }
  // Appends, or inserts before `before`. Outputs are made with empty types: infer them
  // (ir/infer.h).
  Node* add_node(std::string domain, std::string op, Attributes attributes,
                 std::vector<Value*> inputs, size_t outputs = 1, OriginRef origin = {},
                 Node* before = nullptr);
  Graph* add_subgraph(Node* node, std::string name);
  void add_node_input(Node* node, Value* value);
  void add_node_output(Node* node);
  void set_input(Node* node, size_t index, Value* value);
  void truncate_inputs(Node* node, size_t count);
  void replace_uses(Value* from, Value* to);  // everywhere, subgraphs and outputs included
  void erase(Node* node);                     // its outputs must have no uses
  void move_before(Node* node, Node* before);
  // Removes nodes without effect on the outputs, in subgraphs too, and constants without uses. True
  // where any was.
  bool remove_dead();

  // --- of the root graph
  std::vector<Symbol> symbols;
  std::vector<Guard> guards;
  std::vector<std::pair<std::string, std::string>> metadata;
  Ranges ranges() const;  // of the root's symbols
  Symbol* find_symbol(std::string_view name);
  // Declares a symbol under a name not in use yet.
  Dim fresh_symbol(std::string prefix, Interval range = {0, Interval::kMax});

 private:
  Value* new_value();
  void drop_use(Value* value, Use use);
  Graph* parent_ = nullptr;
  std::unique_ptr<Node> result_;
  std::deque<std::unique_ptr<Value>> values_;
  std::vector<Value*> inputs_;
  NodeList nodes_;
  uint32_t next_value_ = 0, next_node_ = 0;  // of the root
};

// Calls f(Node&) for every node, subgraphs' nodes before their owner's followers.
template <class F>
void for_each_node(const Graph& graph, F&& f) {
  for (const auto& node : graph.nodes()) {
    f(*node);
    for (const Subgraph& sub : node->subgraphs) for_each_node(*sub.graph, f);
  }
}

// A deep copy; symbols, guards and metadata too.
std::unique_ptr<Graph> clone(const Graph& graph);

// Gives every value and node a name, unique in the whole graph; keeps those that are unique
// already.
void assign_names(Graph& graph);

}  // namespace tenon::ir
