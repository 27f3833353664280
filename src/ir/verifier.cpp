#include "ir/verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace tenon::ir {
namespace {

struct Checker {
  const OpSet& ops;
  std::string_view after;
  std::unordered_set<const Value*> visible = {};

  Status bad(const Node& node, std::string why) const {
    return fail({.kind = ErrorKind::internal,
                 .what = fmt::format("the graph is not well formed after {}", after),
                 .where = node.where(),
                 .why = std::move(why),
                 .hint = "this is a fault of Tenon: report it with the model"});
  }

  Status check_inputs(const Node& node) const {
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      const Value* input = node.input(i);
      if (input == nullptr) continue;
      if (!input->is_constant() && !visible.contains(input)) {
        return bad(node, fmt::format("input {} (value {}) is not defined before it is used", i,
                                     input->id));
      }
      const bool listed = std::any_of(input->uses.begin(), input->uses.end(), [&](const Use& use) {
        return use.node == &node && use.index == i;
      });
      if (!listed) return bad(node, fmt::format("input {} does not list this use", i));
    }
    return {};
  }

  Status check(const Graph& graph) {
    for (const Value* input : graph.inputs()) visible.insert(input);
    for (const auto& node : graph.nodes()) {
      TRY(check_inputs(*node));
      const OpSpec* spec = ops.find(node->domain, node->op);
      if (spec == nullptr) return bad(*node, "there is no operator " + node->op);
      if (spec->check_attributes) {
        if (auto ok = spec->check_attributes(node->attributes); !ok)
          return bad(*node, ok.error().what);
      }
      for (const Value* output : node->outputs()) {
        if (output->producer != node.get()) return bad(*node, "an output names another producer");
        if (output->type.is_tensor() && output->dtype() == DType::undefined &&
            !output->uses.empty()) {
          return bad(*node, "an output in use has no type");
        }
      }
      for (const Subgraph& sub : node->subgraphs) {
        const auto outside = visible;
        TRY(check(*sub.graph));
        visible = outside;
      }
      for (const Value* output : node->outputs()) visible.insert(output);
    }
    for (const Value* output : graph.outputs()) {
      if (output == nullptr) return bad(*graph.result(), "an output is missing");
    }
    return check_inputs(*graph.result());
  }
};

}  // namespace

Status verify(const Graph& graph, const OpSet& ops, std::string_view after) {
  Checker checker{ops, after};
  return checker.check(graph);
}

}  // namespace tenon::ir
