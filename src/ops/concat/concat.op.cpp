#include "ops/concat/concat.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Contents concat_contents(const InferContext& context) {
  std::vector<Dim> all;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const Contents part = flat_contents(context, i);
    if (!part) return std::nullopt;
    all.insert(all.end(), part->begin(), part->end());
  }
  return all;
}

Status infer_concat(InferContext& context) {
  TRY(same_dtype(context, 0, context.input_count() - 1));
  const int64_t wanted = context.as<Concat>().axis;
  const Sizes* first = nullptr;
  for (size_t i = 0; i < context.input_count() && first == nullptr; ++i) first = context.shape(i);
  if (first == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  const size_t axis = TRY(axis_of(context, wanted, first->size()));
  Sizes out = *first;
  Dim sum(0);
  bool known = true;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const Sizes* sizes = context.shape(i);
    if (sizes == nullptr) {
      known = false;
      continue;
    }
    if (sizes->size() != out.size())
      return context.fail(fmt::format("{} and {} have other numbers of dimensions",
                                      to_string(*first), to_string(*sizes)));
    for (size_t d = 0; d < out.size(); ++d) {
      if (d == axis) continue;
      TRY(need_equal(context, out[d], (*sizes)[d],
                     fmt::format("{} and {} do not join along axis {}", to_string(*first),
                                 to_string(*sizes), axis)));
      if ((*sizes)[d].is_constant()) out[d] = (*sizes)[d];  // they are equal: say the plainer one
    }
    sum = sum + (*sizes)[axis];
  }
  out[axis] = known ? sum : context.data_dim(0, axis);
  if (out.size() == 1 && !is_floating(context.dtype(0)))
    keep_contents(context, 0, concat_contents(context));
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> concat_op() {
  static constexpr ir::OpSpec specs[] = {spec<Concat>(1, -1, infer_concat)};
  return specs;
}

}  // namespace tenon::ops
