#include "ops/quantize/quantize.h"

#include "onnx/mapping.h"
#include "ops/reshape/reshape.h"

namespace tenon::ops {
namespace quantize_writing {

// A scale or zero point along `axis` in a shape that broadcasts to x's.
ir::Value* along(ir::Builder& b, ir::Value* value, size_t axis, size_t rank) {
  if (!value->rank() || *value->rank() == 0) return value;
  Dims shape(rank, 1);
  if (axis < rank) shape[axis] = -1;
  return b.emit(Reshape{}, {value, b.ints(shape)});
}

// Whether the opset lacks this node, though it can be composed there: of one scale along an axis
// before opset 13, of types that a later opset takes.
template <class Op>
Result<bool> to_compose(onnx::ExportContext& c) {
  const auto op = c.as<Op>();
  const bool scalar = c.input(1)->rank() == size_t{0} ||
                      (c.input(1)->shape() && ir::product(*c.input(1)->shape()).is(1));
  if (c.opset < 13 && !c.input(1)->rank())
    return c.fail("the rank of its scale is not known, which opset 13 does not need", 13);
  if (c.native() && (c.opset >= 13 || scalar)) return false;
  if (!c.input(0)->rank())
    return c.fail("the rank of its input is not known, which a newer opset does not need", 21);
  if (op.block_size > 0) return c.fail("blocks appear in opset 21", 21);
  for (const DType type : {c.input(0)->dtype(), c.node->output(0)->dtype()}) {
    const bool plain = type == DType::f32 || type == DType::f16 || type == DType::bf16 ||
                       (is_integral(type) && bits(type) >= 8 && bits(type) <= 32);
    if (!plain) return false;  // the writer says from which opset on it is taken
  }
  return true;
}

struct Operands {
  ir::Value *scale, *point;  // in f32; no zero point: null
};
template <class Op>
Operands operands(onnx::ExportContext& c) {
  const size_t rank = *c.input(0)->rank();
  const int64_t axis = c.as<Op>().axis;
  const auto at = static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
  ir::Builder& b = c.b;
  ir::Value* scale = b.cast(along(b, c.input(1), at, rank), DType::f32);
  return {scale, c.has(2) ? b.cast(along(b, c.input(2), at, rank), DType::f32) : nullptr};
}

Status write_quantize(onnx::ExportContext& c) {
  const auto op = c.as<QuantizeLinear>();
  ir::Builder& b = c.b;
  const DType type = c.node->output(0)->dtype();
  if (TRY(to_compose<QuantizeLinear>(c))) {
    const auto [scale, point] = operands<QuantizeLinear>(c);
    ir::Value* x = b.cast(c.input(0), DType::f32);
    x = b.emit_named("Round", {b.emit_named("Div", {x, scale})});
    if (point) x = b.emit_named("Add", {x, point});
    const IntegerLimits limits = limits_of(type);
    x = b.emit_named("Clip",
                     {x, b.scalar(limits.low, DType::f32), b.scalar(limits.high, DType::f32)});
    return c.replace({b.cast(x, type)});
  }
  // The zero point says the type where the opset has no attribute for it.
  if (op.output_dtype != 0 && c.opset < 21) {
    if (!c.has(2)) {
      ir::Value* point = b.scalar(0, type);
      if (const auto& shape = c.input(1)->shape(); shape && !shape->empty())
        point = b.emit_named("Expand", {point, b.shape(*shape)});
      c.set_inputs({c.input(0), c.input(1), point});
    }
    c.set_attribute("output_dtype", int64_t{0});
  }
  if (c.opset < 13) c.drop_attribute("axis");
  if (c.opset < 23 && op.precision == static_cast<int64_t>(c.input(1)->dtype()))
    c.set_attribute("precision", int64_t{0});
  return b.status();
}

Status write_dequantize(onnx::ExportContext& c) {
  const auto op = c.as<DequantizeLinear>();
  ir::Builder& b = c.b;
  const DType type = c.node->output(0)->dtype();
  if (TRY(to_compose<DequantizeLinear>(c))) {
    const auto [scale, point] = operands<DequantizeLinear>(c);
    ir::Value* x = b.cast(c.input(0), DType::f32);
    if (point) x = b.emit_named("Sub", {x, point});
    return c.replace({b.cast(b.emit_named("Mul", {x, scale}), type)});
  }
  if (c.opset < 13) c.drop_attribute("axis");
  if (op.output_dtype != 0 && c.opset < 23) {
    if (type != c.input(1)->dtype())
      return c.fail("a result of another type than the scale's appears in opset 23", 23);
    c.set_attribute("output_dtype", int64_t{0});
  }
  return b.status();
}

}  // namespace quantize_writing

std::span<const onnx::Mapping> quantize_onnx() {
  using namespace quantize_writing;
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<QuantizeLinear>({.write = write_quantize}),
      onnx::plain<DequantizeLinear>({.write = write_dequantize}),
  };
  return rows;
}

}  // namespace tenon::ops
