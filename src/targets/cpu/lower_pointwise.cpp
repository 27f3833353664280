// Chains and trees of elementwise operations become one cpu.Pointwise each.
#include <algorithm>
#include <unordered_map>

#include "targets/cpu/lower.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/pointwise.h"

namespace tenon::cpu {
namespace {

constexpr size_t kMostInputs = 8;
constexpr size_t kMostInstructions = 24;

// A program under construction, ending in some node's output.
struct Group {
  std::vector<ir::Value*> inputs;
  PointProgram program;
  std::vector<ir::Node*> nodes;

  int add_input(ir::Value* value) {
    auto it = std::ranges::find(inputs, value);
    if (it != inputs.end()) return static_cast<int>(it - inputs.begin());
    inputs.push_back(value);
    return static_cast<int>(inputs.size()) - 1;
  }
};

// Operands while groups are joined: inputs are encoded as ~index, results as index.
struct Joiner {
  Group out;
  // Appends a group's program; returns the operand that is its result.
  int take(const Group& group) {
    const int base = static_cast<int>(out.program.size());
    const int inputs = static_cast<int>(group.inputs.size());
    auto map = [&](int v) {
      if (v < 0) return -1;
      return v < inputs ? out.add_input(group.inputs[v]) : kResult + base + v - inputs;
    };
    for (PointInstruction i : group.program) {
      i.a = map(i.a);
      i.b = map(i.b);
      out.program.push_back(i);
    }
    out.nodes.insert(out.nodes.end(), group.nodes.begin(), group.nodes.end());
    return kResult + static_cast<int>(out.program.size()) - 1;
  }
  Group finish() {
    const int inputs = static_cast<int>(out.inputs.size());
    for (PointInstruction& i : out.program) {
      if (i.a >= kResult) i.a += inputs - kResult;
      if (i.b >= kResult) i.b += inputs - kResult;
    }
    return std::move(out);
  }
  static constexpr int kResult = 1 << 20;
};

using Groups = std::unordered_map<const ir::Node*, Group>;

Group make_group(const ir::Node& node, const PointInstruction& instruction, Groups& groups,
                 bool fuse) {
  Joiner joiner;
  std::unordered_map<const ir::Value*, int> operands;
  auto operand = [&](int index) -> int {
    if (index < 0) return -1;
    ir::Value* value = node.input(index);
    if (auto it = operands.find(value); it != operands.end()) return it->second;
    auto group = value->producer ? groups.find(value->producer) : groups.end();
    int made = 0;
    const bool joins =
        fuse && group != groups.end() && value->type == node.output()->type && value->shape() &&
        std::ranges::all_of(value->uses, [&](const ir::Use& u) { return u.node == &node; }) &&
        joiner.out.inputs.size() + group->second.inputs.size() < kMostInputs &&
        joiner.out.program.size() + group->second.program.size() < kMostInstructions;
    if (joins) {
      made = joiner.take(group->second);
      groups.erase(group);
    } else {
      made = joiner.out.add_input(value);
    }
    operands.emplace(value, made);
    return made;
  };
  PointInstruction mine = instruction;
  mine.a = operand(instruction.a);
  mine.b = operand(instruction.b);
  joiner.out.program.push_back(mine);
  joiner.out.nodes.push_back(const_cast<ir::Node*>(&node));
  return joiner.finish();
}

}  // namespace

void fuse_pointwise(ir::Graph& graph, bool fuse) {
  Groups groups;
  for (const auto& node : graph.nodes()) {
    for (const ir::Subgraph& sub : node->subgraphs) fuse_pointwise(*sub.graph, fuse);
    const auto instruction = as_point_instruction(*node);
    if (!instruction || !node->output()->shape()) continue;
    groups.insert_or_assign(node.get(), make_group(*node, *instruction, groups, fuse));
  }
  std::vector<std::pair<ir::Node*, Group*>> order;  // by position, for reproducible names
  for (const auto& node : graph.nodes()) {
    if (auto it = groups.find(node.get()); it != groups.end())
      order.emplace_back(node.get(), &it->second);
  }
  for (auto& [node, group] : order) {
    replace_with(graph, node, "Pointwise", ir::to_attributes(encode(group->program)), group->inputs,
                 *node);
  }
}

}  // namespace tenon::cpu
