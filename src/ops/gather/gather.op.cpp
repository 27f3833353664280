#include "ops/gather/gather.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_gather(InferContext& context) {
  TRY(need_integer(context, 1));
  const Sizes* x = context.shape(0);
  const Sizes* indices = context.shape(1);
  if (x == nullptr || indices == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  const size_t axis = TRY(axis_of(context, context.as<Gather>().axis, x->size()));
  Sizes out(x->begin(), x->begin() + static_cast<ptrdiff_t>(axis));
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), x->begin() + static_cast<ptrdiff_t>(axis) + 1, x->end());
  context.set(0, context.dtype(0), std::move(out));
  const auto which = context.constant_ints(1);
  if (!which) return {};
  if (const auto size = (*x)[axis].constant()) {
    for (int64_t index : *which) {
      if (index < -*size || index >= *size)
        return context.fail(
            fmt::format("index {} is outside axis {} of {}", index, axis, to_string(*x)));
    }
  }
  if (x->size() != 1) return {};
  if (const Contents all = context.contents(0)) {
    const auto n = static_cast<int64_t>(all->size());
    std::vector<Dim> values;
    for (int64_t index : *which) {
      if (index < -n || index >= n) return {};
      values.push_back((*all)[static_cast<size_t>(index < 0 ? index + n : index)]);
    }
    keep_contents(context, 0, std::move(values));
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> gather_op() {
  static constexpr ir::OpSpec specs[] = {spec<Gather>(2, 2, infer_gather)};
  return specs;
}

}  // namespace tenon::ops
