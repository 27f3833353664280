#include "ops/layer_norm/layer_norm.h"

#include "onnx/mapping.h"
#include "ops/reduce/reduce.h"

namespace tenon::ops {
namespace {

// Before opset 17: (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias.
Status write_layer_norm(onnx::ExportContext& c) {
  if (c.opset >= 17) return {};
  const auto op = c.as<LayerNormalization>();
  const auto rank = c.input(0)->rank();
  if (op.axis >= 0 && !rank)
    return c.fail("the rank of its input is not known, which opset 17 does not need", 17);
  const int64_t first = op.axis < 0 ? op.axis : op.axis - static_cast<int64_t>(*rank);
  std::vector<int64_t> last;
  for (int64_t axis = first; axis < 0; ++axis) last.push_back(axis);
  const DType dtype = c.input(0)->dtype();
  const DType stash = op.stash_type == 1 && dtype != DType::f64
                          ? DType::f32
                          : static_cast<DType>(op.stash_type == 1 ? 11 : op.stash_type);
  ir::Builder& b = c.b;
  ir::Value* axes = b.ints(last);
  ir::Value* x = b.cast(c.input(0), stash);
  ir::Value* mean = b.emit(ReduceMean{}, {x, axes});
  ir::Value* centred = b.emit_named("Sub", {x, mean});
  ir::Value* variance = b.emit(ReduceMean{}, {b.emit_named("Mul", {centred, centred}), axes});
  ir::Value* deviation =
      b.emit_named("Sqrt", {b.emit_named("Add", {variance, b.scalar(op.epsilon, stash)})});
  ir::Value* normal = b.cast(b.emit_named("Div", {centred, deviation}), dtype);
  ir::Value* y = b.emit_named("Mul", {normal, c.input(1)});
  if (c.has(2)) y = b.emit_named("Add", {y, c.input(2)});
  onnx::Values out{y};
  auto used = [&](size_t i) {
    return c.node->outputs().size() > i && !c.node->output(i)->uses.empty();
  };
  out.push_back(used(1) ? b.cast(mean, c.node->output(1)->dtype()) : nullptr);
  out.push_back(used(2)
                    ? b.cast(b.emit_named("Reciprocal", {deviation}), c.node->output(2)->dtype())
                    : nullptr);
  return c.replace(out);
}

}  // namespace

std::span<const onnx::Mapping> layer_norm_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<LayerNormalization>({.write = write_layer_norm})};
  return rows;
}

}  // namespace tenon::ops
