#include "ops/transpose/transpose.h"

#include <algorithm>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_transpose(InferContext& context) {
  const auto perm = context.as<Transpose>().perm;
  const Sizes* x = context.shape(0);
  if (perm) {
    std::vector<int64_t> sorted = *perm;
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] != static_cast<int64_t>(i))
        return context.fail("perm is not a permutation of the axes");
    }
    if (x && x->size() != perm->size())
      return context.fail(fmt::format("perm has {} elements for {}", perm->size(), to_string(*x)));
  }
  if (x == nullptr) {
    context.set(0, context.dtype(0),
                perm ? std::optional(data_sizes(context, 0, perm->size())) : std::nullopt);
    return {};
  }
  Sizes out;
  for (size_t i = 0; i < x->size(); ++i)
    out.push_back((*x)[perm ? static_cast<size_t>((*perm)[i]) : x->size() - 1 - i]);
  if (x->size() < 2) keep_contents(context, 0, context.contents(0));
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> transpose_op() {
  static constexpr ir::OpSpec specs[] = {spec<Transpose>(1, 1, infer_transpose)};
  return specs;
}

}  // namespace tenon::ops
