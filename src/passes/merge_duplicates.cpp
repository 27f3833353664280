// Computes equal things once.
#include <cstring>
#include <unordered_map>

#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

// In bytes: larger ones with names are weights, and larger ones still are not looked at.
constexpr size_t kMostOfNamed = 4096, kMostOfOthers = size_t{1} << 20;

std::string key_of(const ir::Node& node) {
  std::string key = node.domain + "::" + node.op;
  for (const auto& [name, value] : node.attributes.all()) {
    if (const auto* tensor = std::get_if<Tensor>(&value)) {
      key += fmt::format("|{}={}", name, static_cast<int>(tensor->dtype()));
      if (tensor->has_data())
        key.append(reinterpret_cast<const char*>(tensor->data()), tensor->nbytes());
      continue;
    }
    key += fmt::format("|{}={}", name, ir::to_string(value));
  }
  for (const ir::Value* input : node.inputs()) key += fmt::format("|{}", input ? input->id : ~0u);
  return key + fmt::format("|{}", node.outputs().size());
}

using Seen = std::unordered_map<std::string, ir::Node*>;

bool merge(ir::Graph& graph, const PassContext& context, const Seen& outer) {
  bool changed = false;
  Seen seen = outer;  // a subgraph sees what was computed around it before
  for (const auto& node : graph.nodes()) {
    for (const ir::Subgraph& sub : node->subgraphs) changed |= merge(*sub.graph, context, seen);
    const ir::OpSpec* spec = context.ops.find(node->domain, node->op);
    if (!node->subgraphs.empty() || is_dead(*node) || spec == nullptr || spec->random) continue;
    auto [it, fresh] = seen.try_emplace(key_of(*node), node.get());
    if (fresh) continue;
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      if (!node->output(i)->uses.empty())
        changed |= replace(node->output(i), it->second->output(i));
    }
  }
  return changed;
}

bool merge_constants(ir::Graph& graph) {
  bool changed = false;
  std::unordered_map<std::string, ir::Value*> seen;
  for_each_graph(graph, [&](ir::Graph& g) {
    for (ir::Value* value : g.constants()) {
      const Tensor& tensor = *value->constant;
      const size_t most = value->name.empty() ? kMostOfOthers : kMostOfNamed;
      if (!tensor.has_data() || tensor.nbytes() > most) continue;
      std::string key = value->type.str() + ":";
      key.append(reinterpret_cast<const char*>(tensor.data()), tensor.nbytes());
      auto [it, fresh] = seen.try_emplace(std::move(key), value);
      // Constants of an inner graph must not be seen from outside; parameters keep their names.
      if (fresh || it->second->graph != &graph.root() || !value->name.empty()) continue;
      changed |= replace(value, it->second);
    }
  });
  return changed;
}

}  // namespace

Result<bool> merge_duplicates(ir::Graph& graph, const PassContext& context) {
  const bool constants = merge_constants(graph);
  return merge(graph, context, {}) || constants;
}

}  // namespace tenon::passes
