// ONNX's operators on quantised numbers, read as the float operators that they stand for between
// QuantizeLinear and DequantizeLinear, and its products of integers.
#include "onnx/mapping.h"
#include "ops/common/onnx_window.h"
#include "ops/conv/conv.h"
#include "ops/quantize/quantize.h"
#include "ops/reduce/reduce.h"
#include "ops/reshape/reshape.h"

namespace tenon::ops {
namespace qlinear_reading {

using ir::Value;
using onnx::ImportContext;

// Whether there is one scale for the whole tensor.
bool is_scalar(const Value* value) {
  return !value->shape() || value->shape()->empty() || ir::product(*value->shape()).is(1);
}

Value* as_scalar(ir::Builder& b, Value* value) {
  if (value == nullptr || value->rank() == size_t{0}) return value;
  return b.emit(Reshape{}, {value, b.ints({})});
}

// Op of x, scale and zero point, which are one number or one for each place along the axis.
template <class Op>
Value* linear(ir::Builder& b, Value* x, Value* scale, Value* point, int64_t axis) {
  if (is_scalar(scale)) return b.emit(Op{}, {x, as_scalar(b, scale), as_scalar(b, point)});
  return b.emit(Op{.axis = axis}, {x, scale, point});
}
Value* dequantized(ir::Builder& b, Value* x, Value* scale, Value* point, int64_t axis) {
  return linear<DequantizeLinear>(b, x, scale, point, axis);
}
Value* quantized(ir::Builder& b, Value* x, Value* scale, Value* point, int64_t axis) {
  return linear<QuantizeLinear>(b, x, scale, point, axis);
}

Status need_inputs(ImportContext& c, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!c.has(i)) return c.fail(fmt::format("it needs {} inputs", count));
  }
  return {};
}

Result<onnx::Values> convolved(ImportContext& c, Value* x, Value* w, Value* bias) {
  c.inputs = {x, w, bias};
  return onnx_window::read_conv<Conv>(c);
}

// (x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B?)
Result<onnx::Values> read_conv(ImportContext& c) {
  TRY(need_inputs(c, 8));
  ir::Builder& b = c.b;
  Value* x = dequantized(b, c.input(0), c.input(1), c.input(2), 0);
  Value* w = dequantized(b, c.input(3), c.input(4), c.input(5), 0);
  Value* bias = nullptr;
  if (c.has(8)) {
    Value* scale = b.emit_named("Mul", {as_scalar(b, c.input(1)), c.input(4)});
    if (is_scalar(scale)) scale = as_scalar(b, scale);
    bias = b.emit(DequantizeLinear{.axis = 0}, {c.input(8), scale});
  }
  Value *scale = c.input(6), *point = c.input(7);
  const onnx::Values y = TRY(convolved(c, x, w, bias));
  Value* out = quantized(b, y[0], scale, point, 1);
  TRY(b.status());
  return onnx::Values{out};
}

// A parameter of a matrix in the shape that broadcasts to it: one number; one for each row (axis
// -2) or column (axis -1); or as it is.
Value* along_matrix(ir::Builder& b, Value* value, int64_t axis) {
  if (is_scalar(value)) return as_scalar(b, value);
  if (value->rank() != size_t{1} || axis == -1) return value;
  return b.emit_named("Unsqueeze", {value, b.ints({-1})});
}

Value* dequantized_matrix(ir::Builder& b, Value* x, Value* scale, Value* point, int64_t axis) {
  if (is_scalar(scale) || scale->rank() == size_t{1}) return dequantized(b, x, scale, point, axis);
  Value* steps = b.emit_named(
      "Sub", {b.cast(x, scale->dtype()), b.cast(along_matrix(b, point, axis), scale->dtype())});
  return b.emit_named("Mul", {steps, along_matrix(b, scale, axis)});
}

// (a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point)
Result<onnx::Values> read_matmul(ImportContext& c) {
  TRY(need_inputs(c, 8));
  ir::Builder& b = c.b;
  if (!is_scalar(c.input(6)) && c.input(6)->rank() != size_t{1})
    return c.fail("a scale of the result for each of several matrices is not read");
  Value* x = dequantized_matrix(b, c.input(0), c.input(1), c.input(2), -2);
  Value* y = dequantized_matrix(b, c.input(3), c.input(4), c.input(5), -1);
  Value* out = quantized(b, b.emit_named("MatMul", {x, y}), c.input(6), c.input(7), -2);
  TRY(b.status());
  return onnx::Values{out};
}

// x - zero_point, exactly, in a type that the operator takes.
Value* steps(ir::Builder& b, Value* x, Value* point, DType dtype) {
  x = b.cast(x, dtype);
  return point ? b.emit_named("Sub", {x, b.cast(point, dtype)}) : x;
}

// (A, B, a_zero_point?, b_zero_point?) -> i32
Result<onnx::Values> read_matmul_integer(ImportContext& c) {
  TRY(need_inputs(c, 2));
  c.resize(4);
  ir::Builder& b = c.b;
  auto point = [&](size_t i, int64_t axis) {
    return c.has(i) ? along_matrix(b, c.input(i), axis) : nullptr;
  };
  Value* out = b.emit_named("MatMul", {steps(b, c.input(0), point(2, -2), DType::i32),
                                       steps(b, c.input(1), point(3, -1), DType::i32)});
  TRY(b.status());
  return onnx::Values{out};
}

// (x, w, x_zero_point?, w_zero_point?) -> i32. ONNX convolves floats; f64 holds every i32.
Result<onnx::Values> read_conv_integer(ImportContext& c) {
  TRY(need_inputs(c, 2));
  c.resize(4);
  ir::Builder& b = c.b;
  Value* point = c.has(3) && is_scalar(c.input(3)) ? as_scalar(b, c.input(3)) : c.input(3);
  if (point && point->rank() == size_t{1}) {
    if (!c.input(1)->rank()) return c.fail("the rank of the weights is not known");
    Dims shape(*c.input(1)->rank(), 1);
    shape[0] = -1;
    point = b.emit(Reshape{}, {point, b.ints(shape)});
  }
  Value* x = steps(b, c.input(0), as_scalar(b, c.input(2)), DType::f64);
  const onnx::Values y = TRY(convolved(c, x, steps(b, c.input(1), point, DType::f64), nullptr));
  return onnx::Values{b.cast(y[0], DType::i32)};
}

// x -> y in u8, its scale and its zero point, which make the range of x and 0 the range of u8.
Result<onnx::Values> read_dynamic(ImportContext& c) {
  TRY(need_inputs(c, 1));
  ir::Builder& b = c.b;
  Value *x = c.input(0), *zero = b.scalar(0, DType::f32), *steps = b.scalar(255, DType::f32);
  Value* low = b.emit_named("Min", {b.emit(ReduceMin{.keepdims = false}, {x}), zero});
  Value* high = b.emit_named("Max", {b.emit(ReduceMax{.keepdims = false}, {x}), zero});
  Value* scale = b.emit_named("Div", {b.emit_named("Sub", {high, low}), steps});
  Value* point = b.emit_named("Sub", {zero, b.emit_named("Div", {low, scale})});
  point = b.emit_named("Round", {b.emit_named("Clip", {point, zero, steps})});
  point = b.cast(point, DType::u8);
  Value* y = b.emit(QuantizeLinear{}, {x, scale, point});
  TRY(b.status());
  return onnx::Values{y, scale, point};
}

}  // namespace qlinear_reading

std::span<const onnx::Mapping> qlinear_onnx() {
  using namespace qlinear_reading;
  static constexpr onnx::Mapping rows[] = {
      onnx::read_only("QLinearConv", read_conv),
      onnx::read_only("QLinearMatMul", read_matmul),
      onnx::read_only("MatMulInteger", read_matmul_integer),
      onnx::read_only("ConvInteger", read_conv_integer),
      onnx::read_only("DynamicQuantizeLinear", read_dynamic),
  };
  return rows;
}

}  // namespace tenon::ops
