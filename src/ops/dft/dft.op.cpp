#include "ops/dft/dft.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

// -2, the last axis of the signal, where the input is absent; nullopt where it is not constant.
Result<std::optional<size_t>> signal_axis(const InferContext& context, size_t rank) {
  if (!context.has(2)) return std::optional(rank - 2);
  const auto axis = context.constant_ints(2);
  if (!axis || axis->size() != 1) return std::optional<size_t>();
  const size_t at = TRY(axis_of(context, (*axis)[0], rank));
  if (at + 1 == rank) return context.fail("the last axis holds the parts of a number");
  return std::optional(at);
}

Status infer_dft(InferContext& context) {
  TRY(need_floating(context, 0));
  if (context.has(1)) TRY(need_integer(context, 1));
  if (context.has(2)) TRY(need_integer(context, 2));
  const DFT op = context.as<DFT>();
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  TRY(need_rank(context, 0, 2));
  const Dim& parts = x->back();
  if (parts.is_constant() && !parts.is(1) && !parts.is(2))
    return context.fail(fmt::format("the last axis has {} elements, not 1 or 2", parts.str()));
  const bool real_result = op.onesided && op.inverse;
  if (op.onesided && !op.inverse && parts.is(2))
    return context.fail("the one-sided transform is of real numbers");
  if (real_result && parts.is(1))
    return context.fail("the one-sided inverse transform is of complex numbers");
  const auto axis = TRY(signal_axis(context, x->size()));
  if (!axis) {
    context.set(0, context.dtype(0), data_sizes(context, 0, x->size()));
    return {};
  }
  Dim length = (*x)[*axis];
  if (real_result) length = (length - Dim(1)) * Dim(2);
  if (context.has(1)) {
    const Contents given = flat_contents(context, 1);
    length = given && given->size() == 1 ? (*given)[0] : context.data_dim(0, *axis);
    if (length.is_constant() && *length.constant() < 1)
      return context.fail("the length of the transform is not positive");
  } else if (length.is(0)) {
    return context.fail("there is nothing to transform");
  }
  Sizes out = *x;
  out[*axis] = op.onesided && !op.inverse ? floordiv(length, Dim(2)) + Dim(1) : length;
  out.back() = real_result ? 1 : 2;
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> dft_op() {
  static constexpr ir::OpSpec specs[] = {spec<DFT>(1, 3, infer_dft)};
  return specs;
}

}  // namespace tenon::ops
