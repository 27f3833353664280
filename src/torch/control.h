// What branches and loops that data decides share: values handed out of subgraphs, and what is
// known of them outside.
#pragma once

#include <map>

#include "torch/interpreter.h"

namespace tenon::torch {

// One side of a branch, evaluated: what it left behind, and the subgraph that it was emitted into.
struct Interpreter::Branch {
  ir::Graph* graph = nullptr;
  State state;
  Locals locals;
  Flow flow;
  std::string line;    // of the branch, for messages
  Bool condition;      // of the branch, the same on both sides
  size_t symbols = 0;  // how many there were before the branch
};

// What evaluation adds to the root graph beside nodes; restored where a side is discarded.
struct Mark {
  size_t symbols, guards, notices, problems;
  static Mark of(const Machine& m) {
    const ir::Graph& root = m.builder.graph().root();
    return {root.symbols.size(), root.guards.size(), m.notices.size(), m.problems.size()};
  }
  void restore(Machine& m) const {
    ir::Graph& root = m.builder.graph().root();
    root.symbols.resize(symbols);
    root.guards.resize(guards);
    m.notices.resize(notices);
    m.problems.resize(problems);
    m.builder.forget_others();
  }
};

// Python's numbers and bools, and their type as 0-d values of the graph.
bool is_number(const Value& v);
DType number_dtype(const Value& v);
// The Python value of the kind of `kind` that a 0-d output of a node holds.
Value number_from(Machine& m, ir::Value* output, const Value& kind, ir::Interval range);

// Whether every symbol of the dim was declared before `limit`.
bool declared_before(const ir::Graph& root, const Dim& dim, size_t limit);
// The value handed out of a subgraph must be made in it.
ir::Value* local_value(Machine& m, ir::Value* value, const ir::Graph& graph);
// The type of a sequence that may be either: sizes that differ are symbols of the sequence itself.
ir::Type sequence_type(Machine& m, const ir::Type& a, const ir::Type& b, ir::Value& of);

// Who wrote to a storage, and when.
using Writers = std::map<uint32_t, uint64_t>;
void add_writers(State& state, uint32_t id, const Writers& more);

}  // namespace tenon::torch
