#include "ops/activation/activation.h"

#include <cmath>
#include <numbers>

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Before opset 20: x / 2 * (1 + erf(x / sqrt(2))), or its approximation by tanh.
Status write_gelu(onnx::ExportContext& c) {
  if (c.opset >= 20) return {};
  ir::Builder& b = c.b;
  const DType dtype = c.input(0)->dtype();
  auto number = [&](double v) { return b.scalar(v, dtype); };
  ir::Value* x = c.input(0);
  ir::Value* curve = nullptr;
  if (c.as<Gelu>().approximate == "tanh") {
    ir::Value* cube = b.emit_named("Mul", {b.emit_named("Mul", {x, x}), x});
    ir::Value* sum = b.emit_named("Add", {x, b.emit_named("Mul", {cube, number(0.044715)})});
    curve = b.emit_named(
        "Tanh", {b.emit_named("Mul", {sum, number(std::sqrt(2.0 * std::numbers::inv_pi))})});
  } else {
    curve = b.emit_named("Erf", {b.emit_named("Div", {x, number(std::numbers::sqrt2)})});
  }
  ir::Value* gate = b.emit_named("Add", {curve, number(1)});
  return c.replace({b.emit_named("Mul", {b.emit_named("Mul", {x, gate}), number(0.5)})});
}

// Before opset 24: x * sigmoid(alpha * x).
Status write_swish(onnx::ExportContext& c) {
  if (c.opset >= 24) return {};
  ir::Value* x = c.input(0);
  const float alpha = c.as<Swish>().alpha;
  ir::Value* scaled = alpha == 1 ? x : c.b.emit_named("Mul", {x, c.b.scalar(alpha, x->dtype())});
  return c.replace({c.b.emit_named("Mul", {x, c.b.emit_named("Sigmoid", {scaled})})});
}

// Before opset 12, and doubles before 28: max(0, x) + min(0, alpha * (exp(x / alpha) - 1)).
Status write_celu(onnx::ExportContext& c) {
  if (c.native() || (c.opset >= 12 && c.input(0)->dtype() != DType::f64)) return {};
  ir::Builder& b = c.b;
  ir::Value* x = c.input(0);
  ir::Value* alpha = b.scalar(c.as<Celu>().alpha, x->dtype());
  ir::Value* zero = b.scalar(0, x->dtype());
  ir::Value* power = b.emit_named("Exp", {b.emit_named("Div", {x, alpha})});
  ir::Value* below =
      b.emit_named("Mul", {alpha, b.emit_named("Sub", {power, b.scalar(1, x->dtype())})});
  return c.replace(
      {b.emit_named("Add", {b.emit_named("Max", {zero, x}), b.emit_named("Min", {zero, below})})});
}

// x + bias below -lambda, x - bias above lambda, zero between.
Result<onnx::Values> read_shrink(onnx::ImportContext& c) {
  const float lambda = c.take<float>("lambd").value_or(0.5f);
  const float bias = c.take<float>("bias").value_or(0);
  ir::Builder& b = c.b;
  ir::Value* x = c.input(0);
  auto number = [&](float v) { return b.scalar(v, x->dtype()); };
  ir::Value* above = b.emit_named("Greater", {x, number(lambda)});
  ir::Value* below = b.emit_named("Less", {x, number(-lambda)});
  ir::Value* rest =
      b.emit_named("Where", {above, b.emit_named("Sub", {x, number(bias)}), number(0)});
  return onnx::Values{b.emit_named("Where", {below, b.emit_named("Add", {x, number(bias)}), rest})};
}

}  // namespace

std::span<const onnx::Mapping> activation_onnx() {
  using onnx::plain;
  static constexpr onnx::Mapping rows[] = {
      plain<Elu>(),
      // TensorRT's parser takes opset 1's defaults, of fewer digits.
      plain<Selu>({.spell_out = true}),
      plain<Celu>({.write = write_celu}),
      plain<LeakyRelu>(),
      plain<HardSigmoid>(),
      plain<Gelu>({.write = write_gelu}),
      plain<ThresholdedRelu>(),
      plain<Swish>({.write = write_swish}),
      plain<PRelu>(),
      onnx::read_only("Shrink", read_shrink),
  };
  return rows;
}

}  // namespace tenon::ops
