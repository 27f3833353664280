#include "ops/if/if.h"

#include "ops/common/merge_types.h"

namespace tenon::ops {
namespace {

Status infer_if(InferContext& context) {
  TRY(need_dtype(context, 0, DType::boolean));
  const ir::Node& node = context.node();
  const ir::Graph* yes = node.subgraph("then_branch");
  const ir::Graph* no = node.subgraph("else_branch");
  if (yes == nullptr || no == nullptr) return context.fail("a branch is missing");
  const size_t n = context.output_count();
  if (yes->outputs().size() != n || no->outputs().size() != n)
    return context.fail(fmt::format("the branches give {} and {} values, not {}",
                                    yes->outputs().size(), no->outputs().size(), n));
  for (size_t i = 0; i < n; ++i) {
    const ir::Type &a = yes->outputs()[i]->type, &b = no->outputs()[i]->type;
    auto known = [](const ir::Type& t) { return !t.is_tensor() || t.dtype != DType::undefined; };
    if (!known(a) || !known(b)) continue;  // the branches are not inferred yet
    auto merged = merge_types(a, b, *node.output(i));
    if (!merged)
      return context.fail(
          fmt::format("the branches give {} and {} as value {}", a.str(), b.str(), i),
          "give both branches' results one type");
    context.set_type(i, std::move(*merged));
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> if_op() {
  static constexpr ir::OpSpec specs[] = {spec<If>(1, 1, infer_if, 0, -1)};
  return specs;
}

}  // namespace tenon::ops
