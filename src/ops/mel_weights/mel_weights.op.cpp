#include "ops/mel_weights/mel_weights.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_mel_weights(InferContext& context) {
  for (size_t i = 0; i < 3; ++i) TRY(need_integer(context, i));
  for (size_t i = 3; i < 5; ++i) TRY(need_floating(context, i));
  const auto type = static_cast<DType>(context.as<MelWeightMatrix>().output_datatype);
  if (!is_floating(type) && !is_integral(type)) return context.fail("the type is not a number's");
  const Contents bins = flat_contents(context, 0), length = flat_contents(context, 1);
  Sizes out = data_sizes(context, 0, 2);
  if (length && length->size() == 1) out[0] = floordiv((*length)[0], 2) + Dim(1);
  if (bins && bins->size() == 1) out[1] = (*bins)[0];
  context.set(0, type, std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> mel_weights_op() {
  static constexpr ir::OpSpec specs[] = {spec<MelWeightMatrix>(5, 5, infer_mel_weights)};
  return specs;
}

}  // namespace tenon::ops
