#include "ops/split/split.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_split(InferContext& context) {
  const auto op = context.as<Split>();
  const Sizes* x = context.shape(0);
  const size_t n = context.output_count();
  if (op.num_outputs && *op.num_outputs != static_cast<int64_t>(n))
    return context.fail(fmt::format("num_outputs is {}, but it has {}", *op.num_outputs, n));
  if (x == nullptr) {
    for (size_t i = 0; i < n; ++i) context.set(i, context.dtype(0), std::nullopt);
    return {};
  }
  const size_t axis = TRY(axis_of(context, op.axis, x->size()));
  const Contents given = context.has(1) ? flat_contents(context, 1) : std::nullopt;
  if (given && given->size() != n)
    return context.fail(fmt::format("{} sizes for {} outputs", given->size(), n));
  if (given) {
    Dim sum(0);
    for (const Dim& part : *given) sum = sum + part;
    TRY(need_equal(context, sum, (*x)[axis], "the parts' sizes do not sum up to the whole"));
  }
  // Without sizes: equal parts, the last one smaller where it does not come out even.
  const Dim chunk = ceildiv((*x)[axis], static_cast<int64_t>(n));
  const Contents all = flat_contents(context, 0);
  int64_t offset = 0;
  for (size_t i = 0; i < n; ++i) {
    Sizes out = *x;
    if (given)
      out[axis] = (*given)[i];
    else if (context.has(1))
      out[axis] = context.data_dim(i, axis);
    else
      out[axis] = i + 1 < n ? chunk : (*x)[axis] - chunk * Dim(static_cast<int64_t>(n) - 1);
    if (auto size = out[axis].constant(); size && all) {
      if (*size < 0 || offset + *size > static_cast<int64_t>(all->size()))
        return context.fail("the parts' sizes do not fit the whole");
      keep_contents(context, i,
                    std::vector<Dim>(all->begin() + offset, all->begin() + offset + *size));
      offset += *size;
    }
    context.set(i, context.dtype(0), std::move(out));
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> split_op() {
  static constexpr ir::OpSpec specs[] = {spec<Split>(1, 2, infer_split, 1, -1)};
  return specs;
}

}  // namespace tenon::ops
