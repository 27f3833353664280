#include "ops/unary/unary.h"

#include "onnx/mapping.h"
#include "ops/activation/activation.h"

namespace tenon::ops {
namespace {

// Integers appear in opset 14.
Status write_relu(onnx::ExportContext& c) {
  if (c.native() || is_floating(c.input(0)->dtype())) return {};
  ir::Value* zero = c.b.scalar(0, c.input(0)->dtype());
  ir::Value* negative = c.b.emit_named("Less", {c.input(0), zero});
  return c.replace({c.b.emit_named("Where", {negative, zero, c.input(0)})});
}

// Before opset 14: x * max(0, min(1, x / 6 + 0.5)).
Status write_hard_swish(onnx::ExportContext& c) {
  if (c.opset >= 14) return {};
  ir::Value* gate = c.b.emit(HardSigmoid{.alpha = 1.0f / 6.0f, .beta = 0.5f}, {c.input(0)});
  return c.replace({c.b.emit_named("Mul", {c.input(0), gate})});
}

// Before opset 18: x * tanh(softplus(x)).
Status write_mish(onnx::ExportContext& c) {
  if (c.opset >= 18) return {};
  ir::Value* gate = c.b.emit_named("Tanh", {c.b.emit_named("Softplus", {c.input(0)})});
  return c.replace({c.b.emit_named("Mul", {c.input(0), gate})});
}

// Before opset 18: the complement is -1 - x, for unsigned types all ones - x.
Status write_bitwise_not(onnx::ExportContext& c) {
  if (c.opset >= 18) return {};
  const DType dtype = c.input(0)->dtype();
  Tensor ones = Tensor::zeros(dtype, {});
  std::fill_n(ones.mutable_bytes().data(), ones.nbytes(), std::byte{0xff});
  return c.replace({c.b.emit_named("Sub", {c.b.constant(std::move(ones)), c.input(0)})});
}

}  // namespace

std::span<const onnx::Mapping> unary_onnx() {
  using onnx::plain;
  using onnx::Widen;
  static constexpr onnx::Mapping rows[] = {
      plain<Relu>({.write = write_relu}),
      plain<Sigmoid>(),
      plain<Tanh>(),
      plain<Exp>(),
      plain<Log>(),
      plain<Sqrt>(),
      plain<Reciprocal>(),
      plain<Neg>({.widen = Widen::numbers}),
      plain<Abs>({.widen = Widen::numbers}),
      plain<Floor>(),
      plain<Ceil>(),
      plain<Round>(),
      plain<Erf>(),
      plain<Sin>(),
      plain<Cos>(),
      plain<Tan>(),
      plain<Asin>(),
      plain<Acos>(),
      plain<Atan>(),
      plain<Sinh>(),
      plain<Cosh>(),
      plain<Asinh>(),
      plain<Acosh>(),
      plain<Atanh>(),
      plain<Sign>({.widen = Widen::numbers}),
      plain<Not>(),
      plain<Softplus>(),
      plain<Softsign>(),
      plain<HardSwish>({.write = write_hard_swish}),
      plain<Mish>({.write = write_mish}),
      plain<IsNaN>(),
      plain<IsInf>(),
      plain<BitwiseNot>({.write = write_bitwise_not}),
  };
  return rows;
}

}  // namespace tenon::ops
