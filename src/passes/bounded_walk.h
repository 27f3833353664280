// The state of bound_sizes, for the rules of single operators.
#pragma once

#include <map>
#include <set>
#include <unordered_map>

#include "ops/common/emit.h"
#include "passes/passes.h"

namespace tenon::passes {

class BoundedWalk {
 public:
  BoundedWalk(ir::Graph& root, const PassContext& context);
  // The nodes of a graph and its subgraphs, in order.
  Status run(ir::Graph& graph);

  // --- sizes
  bool decided_by_data(const ir::Dim& dim) const;
  // The shape that a value had before it was given a fixed one; null where its rank is not known.
  const ir::Shape* was(const ir::Value* value) const;
  // Whether the value had a size that data decides: along any axis, or this one.
  bool varies(const ir::Value* value) const { return was_.contains(value); }
  bool varies(const ir::Value* value, size_t axis) const;
  Result<int64_t> bound(const ir::Dim& dim) const;
  Result<ir::Shape> fixed(const ir::Shape& shape) const;

  // --- for rules: all of it is emitted before the node
  ops::Emit at(ir::Node& node);
  Status done();  // what went wrong with what at() emitted
  // How many rows count, i64 and 0-d.
  ir::Value* count(const ops::Emit& e, const ir::Dim& dim);
  // bool, to be broadcast with a value of this rank: which places along the axis count.
  ir::Value* counting_along(const ops::Emit& e, const ir::Dim& dim, size_t axis, size_t rank);
  // Which elements of the value count; null where all do.
  ir::Value* counting_elements(const ops::Emit& e, const ir::Value* value);
  // The value with another in the places along the axis that do not count, or in all such places.
  ir::Value* filled_along(const ops::Emit& e, ir::Value* value, size_t axis, double with);
  ir::Value* filled(const ops::Emit& e, ir::Value* value, double with);
  // Gives an axis of `from` rows `to` rows.
  ir::Value* fit(const ops::Emit& e, ir::Value* value, size_t axis, int64_t from, int64_t to);
  // The value with the fixed sizes of this shape.
  Result<ir::Value*> fit(const ops::Emit& e, ir::Value* value, const ir::Shape& to);

  // --- what rules do with a node
  // It stays, with the inputs that it has now.
  Status keep(ir::Node& node);
  // Another value is output i; its shape was that of the output.
  Status put(ir::Node& node, size_t output, ir::Value* value);
  // So many rows of an output along an axis count.
  void define(const ir::Value* value, size_t axis, ir::Value* count);
  // No more than so many do.
  void limit(const ir::Value* value, size_t axis, int64_t most);
  std::unexpected<Error> refuse(const ir::Node& node, std::string why) const;

  const PassContext& context() const { return context_; }

 private:
  Status visit(ir::Node& node);
  Status branches(ir::Node& node);
  Status enter_only_if(ir::Graph& branch, bool then, ir::Value* condition);
  Status join(const ops::Emit& e, ir::Node& node, const ir::Value* output, size_t axis,
              const ir::Shape* yes, const ir::Shape* no);
  Status loop(ir::Node& node);
  Status settle(ir::Node& node, const ir::Graph& body, size_t carried);
  Status collect(ir::Node& node, ir::Graph& body, size_t carried, int64_t most);
  Result<int64_t> trips(ir::Node& node, ir::Graph& body);
  void note(const ir::Graph& graph);
  bool touches(const ir::Node& node) const;

  ir::Graph& root_;
  const PassContext& context_;
  std::set<std::string> data_;  // symbols that data decides
  std::unordered_map<const ir::Value*, ir::Shape> was_;
  std::map<std::pair<const ir::Graph*, std::string>, ir::Value*> counts_;
  std::unique_ptr<ir::Builder> builder_;
};

// What becomes of an operator one of whose inputs or outputs varies; null where nobody knows.
using BoundedRule = Status (*)(BoundedWalk&, ir::Node&);
BoundedRule bounded_rule(const ir::Node& node);

}  // namespace tenon::passes
