#include "ops/shape/shape.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// A part of the shape, from opset 15 on; before, it is cut out of the whole.
Status write_shape(onnx::ExportContext& c) {
  const auto op = c.as<Shape>();
  if (c.opset >= 15 || (op.start == 0 && !op.end)) return {};
  ir::Value* whole = c.b.emit(Shape{}, {c.input(0)});
  constexpr int64_t kEnd = 1 << 20;  // more than any rank
  ir::Value* part = c.b.emit_named(
      "Slice", {whole, c.b.ints({op.start}), c.b.ints({op.end.value_or(kEnd)}), c.b.ints({0})});
  return c.replace({part});
}

}  // namespace

std::span<const onnx::Mapping> shape_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Shape>({.write = write_shape})};
  return rows;
}

}  // namespace tenon::ops
