#include "ops/pool/pool.h"

#include "ops/common/infer.h"
#include "ops/common/window.h"

namespace tenon::ops {
namespace {

template <class Op>
Status infer_pool(InferContext& context) {
  TRY(need_numeric(context, 0));
  TRY(need_rank(context, 0, 3));
  const auto pool = context.as<Op>();
  const Sizes* x = context.shape(0);
  const size_t rank = pool.kernel_shape.size();
  if (x && x->size() != rank + 2) {
    return context.fail(
        fmt::format("kernel_shape has {} elements for an input {}", rank, to_string(*x)));
  }
  auto window = make_window(pool.auto_pad, pool.kernel_shape, pool.strides, pool.dilations,
                            pool.pads, rank, pool.ceil_mode);
  if (!window) return context.fail(window.error());
  Sizes out;
  for (size_t i = 0; i < rank + 2; ++i) {
    if (x == nullptr)
      out.push_back(context.data_dim(0, i));
    else
      out.push_back(i < 2 ? (*x)[i] : window->output((*x)[i], i - 2));
    if (auto size = out.back().constant(); size && *size < 0)
      return context.fail(fmt::format("the window is larger than the padded input {} at axis {}",
                                      to_string(*x), i));
  }
  if (context.output_count() > 1) context.set(1, DType::i64, out);
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> pool_op() {
  static constexpr ir::OpSpec specs[] = {
      spec<MaxPool>(1, 1, infer_pool<MaxPool>, 1, 2),
      spec<AveragePool>(1, 1, infer_pool<AveragePool>),
      spec<LpPool>(1, 1, infer_pool<LpPool>),
  };
  return specs;
}

}  // namespace tenon::ops
