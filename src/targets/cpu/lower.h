// From the canonical graph to what the engine runs: fused operators, and a layout for each value.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "ir/graph.h"

namespace tenon::cpu {

using Disabled = std::set<std::string, std::less<>>;

// Channel block of each value that is not row-major.
using Layouts = std::unordered_map<const ir::Value*, int>;

struct Lowered {
  std::unique_ptr<ir::Graph> graph;
  Layouts layouts;
};

// Deterministic: a plan holds the canonical graph and lowers it again when it is loaded.
Result<Lowered> lower(const ir::Graph& canonical, const Disabled& disabled);

// The steps of it. Each leaves every node that it cannot improve as it is.
void lower_convolutions(ir::Graph& graph, bool fuse);
void lower_products(ir::Graph& graph, bool fuse);
void lower_pools(ir::Graph& graph);
void fuse_pointwise(ir::Graph& graph, bool fuse);
Layouts assign_layouts(ir::Graph& graph, int block);

// --- helpers of those steps

// The one node that uses this value, or null.
ir::Node* only_user(const ir::Value* value);
// Replaces `last` (and what it makes unused) by a new node before it, whose output takes over the
// type, name and uses of last's output.
ir::Node* replace_with(ir::Graph& graph, ir::Node* last, std::string op, ir::Attributes attributes,
                       std::vector<ir::Value*> inputs, const ir::Node& origin);

}  // namespace tenon::cpu
