#include "ops/stft/stft.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

std::optional<Dim> one_of(const Contents& contents) {
  return contents && contents->size() == 1 ? std::optional((*contents)[0]) : std::nullopt;
}

Status infer_stft(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(need_integer(context, 1));
  if (context.has(2) && context.dtype(2) != context.dtype(0))
    return context.fail("the window is of another type than the signal");
  if (context.has(3)) TRY(need_integer(context, 3));
  const Sizes* x = context.shape(0);
  if (x && x->size() != 3)
    return context.fail(
        fmt::format("the signal is {}, not [batch, length, 1 or 2]", to_string(*x)));
  const Sizes* window = context.shape(2);
  if (window && window->size() != 1) return context.fail("the window is not a vector");
  if (x && x->back().is_constant() && !x->back().is(1) && !x->back().is(2))
    return context.fail(fmt::format("the last axis has {} elements, not 1 or 2", x->back().str()));
  if (x && x->back().is(2) && context.as<STFT>().onesided)
    return context.fail("the one-sided transform is of real numbers");
  const auto step = one_of(flat_contents(context, 1));
  std::optional<Dim> length;
  if (window) length = (*window)[0];
  if (context.has(3)) {
    if (auto given = one_of(flat_contents(context, 3))) {
      if (length) TRY(need_equal(context, *length, *given, "the window has another length"));
      length = given;
    }
  } else if (!context.has(2) && x) {
    length = (*x)[1];
  }
  if (step && step->is_constant() && *step->constant() < 1)
    return context.fail("the step between frames is not positive");
  if (length && length->is_constant() && *length->constant() < 1)
    return context.fail("the frames are empty");
  Sizes out = data_sizes(context, 0, 4);
  if (x) out[0] = (*x)[0];
  if (x && length && step && step->is_constant())
    out[1] = floordiv((*x)[1] - *length, *step) + Dim(1);
  if (length) out[2] = context.as<STFT>().onesided ? floordiv(*length, 2) + Dim(1) : *length;
  out[3] = 2;
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> stft_op() {
  static constexpr ir::OpSpec specs[] = {spec<STFT>(2, 4, infer_stft)};
  return specs;
}

}  // namespace tenon::ops
