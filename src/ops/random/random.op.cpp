#include "ops/random/random.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Result<DType> drawn_type(const InferContext& context, int64_t number) {
  const auto type = static_cast<DType>(number);
  if (type == DType::f32 || type == DType::f64 || type == DType::f16 || type == DType::bf16)
    return type;
  return context.fail(fmt::format("type {} is not of floating-point numbers", number));
}

template <class Op>
Status infer_shaped(InferContext& context) {
  const auto op = context.as<Op>();
  Sizes shape;
  for (const int64_t size : op.shape) {
    if (size < 0) return context.fail("a size is negative");
    shape.emplace_back(size);
  }
  context.set(0, TRY(drawn_type(context, op.dtype)), shape);
  return {};
}

template <class Op>
Status infer_like(InferContext& context) {
  const auto op = context.as<Op>();
  const Sizes* shape = context.shape(0);
  const auto type = op.dtype.value_or(static_cast<int64_t>(context.dtype(0)));
  context.set(0, TRY(drawn_type(context, type)), shape ? std::optional(*shape) : std::nullopt);
  return {};
}

Status infer_bernoulli(InferContext& context) {
  TRY(need_floating(context, 0));
  const auto dtype = context.as<Bernoulli>().dtype;
  const DType type = dtype ? static_cast<DType>(*dtype) : context.dtype(0);
  if (!is_floating(type) && !is_integral(type) && type != DType::boolean)
    return context.fail("its output is of a type that is no number");
  const Sizes* shape = context.shape(0);
  context.set(0, type, shape ? std::optional(*shape) : std::nullopt);
  return {};
}

Status infer_multinomial(InferContext& context) {
  const auto op = context.as<Multinomial>();
  TRY(need_floating(context, 0));
  const auto type = static_cast<DType>(op.dtype);
  if (type != DType::i32 && type != DType::i64)
    return context.fail("its output is neither of 32-bit nor of 64-bit integers");
  if (op.sample_size < 0) return context.fail("the number of samples is negative");
  const Sizes* shape = context.shape(0);
  if (shape && shape->size() != 2) return context.fail("its input is no [batch, classes]");
  context.set(0, type, Sizes{shape ? (*shape)[0] : context.data_dim(0, 0), Dim(op.sample_size)});
  return {};
}

template <class Op>
constexpr ir::OpSpec random(int inputs, Status (*infer)(InferContext&)) {
  ir::OpSpec out = spec<Op>(inputs, inputs, infer);
  out.random = true;
  return out;
}

}  // namespace

std::span<const ir::OpSpec> random_op() {
  static constexpr ir::OpSpec specs[] = {
      random<RandomUniform>(0, infer_shaped<RandomUniform>),
      random<RandomUniformLike>(1, infer_like<RandomUniformLike>),
      random<RandomNormal>(0, infer_shaped<RandomNormal>),
      random<RandomNormalLike>(1, infer_like<RandomNormalLike>),
      random<Bernoulli>(1, infer_bernoulli),
      random<Multinomial>(1, infer_multinomial),
  };
  return specs;
}

}  // namespace tenon::ops
