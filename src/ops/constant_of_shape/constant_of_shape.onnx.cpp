#include "ops/constant_of_shape/constant_of_shape.h"

#include "base/half.h"
#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// bf16 appears in opset 20: before, f32 is cast.
Status write_constant_of_shape(onnx::ExportContext& c) {
  const auto op = c.as<ConstantOfShape>();
  if (c.opset >= 20 || !op.value || op.value->dtype() != DType::bf16) return {};
  const float value = static_cast<float>(op.value->values<BFloat16>()[0]);
  ir::Value* wide = c.b.emit(
      ConstantOfShape{.value = ir::Builder::scalar_tensor(value, DType::f32).reshaped({1})},
      {c.input(0)});
  return c.replace({c.b.cast(wide, DType::bf16)});
}

}  // namespace

std::span<const onnx::Mapping> constant_of_shape_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<ConstantOfShape>({.write = write_constant_of_shape})};
  return rows;
}

}  // namespace tenon::ops
