#include "ops/spectral_window/spectral_window.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

template <class Op>
Status infer_window(InferContext& context) {
  TRY(need_integer(context, 0));
  const Contents size = flat_contents(context, 0);
  const auto type = static_cast<DType>(context.as<Op>().output_datatype);
  if (!is_floating(type) && !is_integral(type)) return context.fail("the type is not a number's");
  context.set(0, type, size && size->size() == 1 ? Sizes{(*size)[0]} : data_sizes(context, 0, 1));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> spectral_window_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<HannWindow>(1, 1, infer_window<HannWindow>),
      spec<HammingWindow>(1, 1, infer_window<HammingWindow>),
      spec<BlackmanWindow>(1, 1, infer_window<BlackmanWindow>),
  };
  return specs;
}

}  // namespace tenon::ops
