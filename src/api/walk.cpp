#include "api/walk.h"

#include <algorithm>

namespace tenon::api {
namespace {

struct Exposed {
  std::unique_ptr<ir::Graph> graph;
  std::vector<const ir::Node*> producers;  // of the outputs, in their order
};

Exposed expose(const ir::Graph& graph) {
  Exposed out{.graph = ir::clone(graph), .producers = {}};
  ir::assign_names(*out.graph);
  const std::vector<ir::Value*> results(out.graph->outputs().begin(), out.graph->outputs().end());
  while (!out.graph->outputs().empty()) out.graph->remove_output(out.graph->outputs().size() - 1);
  for (const auto& node : out.graph->nodes()) {
    for (ir::Value* value : node->outputs()) {
      const bool is_result = std::ranges::find(results, value) != results.end();
      if ((value->uses.empty() && !is_result) || !value->type.is_tensor()) continue;
      out.graph->add_output(value);
      out.producers.push_back(node.get());
    }
  }
  return out;
}

}  // namespace

Result<std::optional<Divergence>> first_divergence(const ir::Graph& graph,
                                                   const Computation& computation,
                                                   const Computation& reference,
                                                   const numerics::Tolerance& tolerance) {
  const Exposed mine = expose(graph), theirs = expose(graph), named = expose(graph);
  const auto a = TRY(computation(*mine.graph));
  const auto b = TRY(reference(*theirs.graph));
  for (size_t i = 0; i < a.size() && i < b.size() && i < named.producers.size(); ++i) {
    const numerics::Difference difference = numerics::compare(a[i], b[i], tolerance);
    if (difference.verdict != numerics::Verdict::diverges) continue;
    const ir::Node& node = *named.producers[i];
    return Divergence{
        .node = node.name, .op = node.op, .where = node.where(), .difference = difference};
  }
  return std::optional<Divergence>{};
}

}  // namespace tenon::api
