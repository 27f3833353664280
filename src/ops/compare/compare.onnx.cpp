#include "ops/compare/compare.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Before opset 12. Not of the opposite relation would be wrong for NaN.
template <const char* kStrict>
Status write_or_equal(onnx::ExportContext& c) {
  if (c.opset >= 12) return {};
  ir::Value* a = c.input(0);
  ir::Value* b = c.input(1);
  return c.replace(
      {c.b.emit_named("Or", {c.b.emit_named(kStrict, {a, b}), c.b.emit_named("Equal", {a, b})})});
}

constexpr char kGreater[] = "Greater";
constexpr char kLess[] = "Less";

}  // namespace

std::span<const onnx::Mapping> compare_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Equal>({.widen = onnx::Widen::numbers}),
      onnx::plain<Greater>({.widen = onnx::Widen::numbers}),
      onnx::plain<Less>({.widen = onnx::Widen::numbers}),
      onnx::plain<GreaterOrEqual>({.write = write_or_equal<kGreater>}),
      onnx::plain<LessOrEqual>({.write = write_or_equal<kLess>}),
  };
  return rows;
}

}  // namespace tenon::ops
