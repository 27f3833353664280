#include "ops/rms_norm/rms_norm.h"

#include "onnx/mapping.h"
#include "ops/reduce/reduce.h"

namespace tenon::ops {
namespace {

// Before opset 23: x / sqrt(mean(x^2) + epsilon) * scale.
Status write_rms_norm(onnx::ExportContext& c) {
  if (c.opset >= 23) return {};
  const auto op = c.as<RMSNormalization>();
  const auto rank = c.input(0)->rank();
  if (op.axis >= 0 && !rank)
    return c.fail("the rank of its input is not known, which opset 23 does not need", 23);
  const int64_t first = op.axis < 0 ? op.axis : op.axis - static_cast<int64_t>(*rank);
  std::vector<int64_t> last;
  for (int64_t axis = first; axis < 0; ++axis) last.push_back(axis);
  const DType dtype = c.input(0)->dtype();
  const DType stash = dtype == DType::f64 ? DType::f64 : static_cast<DType>(op.stash_type);
  ir::Builder& b = c.b;
  ir::Value* x = b.cast(c.input(0), stash);
  ir::Value* square = b.emit(ReduceMean{}, {b.emit_named("Mul", {x, x}), b.ints(last)});
  ir::Value* root =
      b.emit_named("Sqrt", {b.emit_named("Add", {square, b.scalar(op.epsilon, stash)})});
  ir::Value* normal = b.cast(b.emit_named("Div", {x, root}), c.input(1)->dtype());
  return c.replace({b.emit_named("Mul", {normal, c.input(1)})});
}

}  // namespace

std::span<const onnx::Mapping> rms_norm_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<RMSNormalization>({.write = write_rms_norm})};
  return rows;
}

}  // namespace tenon::ops
