// Lowered operators in terms of canonical ones: how a node runs whose sizes no kernel takes.
#pragma once

#include <memory>

#include "ir/graph.h"
#include "targets/cpu/kernel.h"

namespace tenon::cpu {

// A graph that computes the node from inputs of these sizes; inputs that are absent are left out.
// Null where the node is not a lowered operator.
Result<std::unique_ptr<ir::Graph>> expand(const ir::Node& node, std::span<const Operand> inputs);

}  // namespace tenon::cpu
