// Runs the nodes of an exported program. They name full overloads; they go through the same
// operators as TorchScript's calls.
#pragma once

#include <map>

#include "torch/exported/program.h"
#include "torch/machine.h"

namespace tenon::torch {

class ExportedNodes {
 public:
  using Env = std::map<std::string, Value>;  // values by their names

  ExportedNodes(Machine& m, const exported::Program& program) : m_(m), program_(program) {}

  Status run(const exported::Node& node, Env& env);
  Result<Value> convert(const exported::Argument& a, const Env& env);

 private:
  // while_loop, scan and map: values that each iteration changes, tensors of which it takes a row,
  // and what all of them share. The body gives the changed values and, after them, what is stacked.
  struct LoopParts {
    const exported::Graph* test;  // of while_loop; null where the rows say how often
    const exported::Graph* body;
    std::vector<Value> carried, scanned, shared;
    bool stacks_carried = false;  // the changed values are stacked too
  };

  // --- exported_nodes.cpp
  Result<Value> lookup(const std::string& name, const Env& env);
  void bind(const exported::Argument& to, const Value& value, Env& env);
  Status bind_outputs(const exported::Node& node, const Value& result, Env& env);
  Status bind_several(const exported::Node& node, std::vector<Value> values, Env& env);
  Result<Value> python_operator(const exported::Node& node, std::vector<Value> arguments,
                                std::vector<std::pair<std::string, Value>> keywords);
  std::unexpected<Error> fail_at(const exported::Node& node, std::string what, std::string why,
                                 std::string hint = {}) const;

  // --- exported_control.cpp
  Result<std::vector<Value>> inline_graph(const exported::Graph& graph,
                                          const std::vector<Value>& arguments);
  Status higher_order(const exported::Node& node, Env& env);
  Status with_effects(const exported::Node& node, Env& env);
  Result<ir::Value*> tested(const LoopParts& parts, const std::vector<Value>& carried);
  Result<ir::Value*> in_graph(const Value& value);
  Result<std::vector<Value>> loop(const exported::Node& node, const LoopParts& parts);
  Result<std::vector<Value>> associative_scan(const exported::Node& node,
                                              const exported::Graph& combine,
                                              const std::vector<Value>& rows,
                                              const std::vector<Value>& shared);
  Status conditional(const exported::Node& node, const Value& predicate,
                     const exported::Graph& on_true, const exported::Graph& on_false,
                     const std::vector<Value>& operands, Env& env);

  Machine& m_;
  const exported::Program& program_;
};

// Reports every operator of the program that nothing can convert, with how often it occurs.
void collect_unknown(Machine& m, const exported::Graph& graph, const Lowerings& lowerings);

}  // namespace tenon::torch
