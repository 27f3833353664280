#include "ops/group_norm/group_norm.h"

#include "onnx/mapping.h"
#include "ops/instance_norm/instance_norm.h"
#include "ops/reshape/reshape.h"
#include "ops/shape/shape.h"

namespace tenon::ops {
namespace {

// Scale and bias are one number per group until opset 20, one per channel from 21 on.
Result<onnx::Values> read_group_norm(onnx::ImportContext& c) {
  if (c.opset >= 21) return c.emit<GroupNormalization>();
  const int64_t groups = c.attributes.get<int64_t>("num_groups", 0);
  const auto& shape = c.input(0)->shape();
  if (!shape || shape->size() < 2 || groups < 1)
    return c.fail("the channels of its input are not known", "export at opset 21 or newer");
  for (size_t i = 1; i < 3; ++i) {
    const ir::Shape each{ir::Dim(1), floordiv((*shape)[1], ir::Dim(groups))};
    ir::Value* column = c.b.emit(Reshape{}, {c.input(i), c.b.ints({groups, 1})});
    ir::Value* wide = c.b.emit_named("Expand", {column, c.b.shape(each)});
    c.inputs[i] = c.b.emit(Reshape{}, {wide, c.b.ints({-1})});
  }
  return c.emit<GroupNormalization>();
}

// Each group is an instance with one channel; then scale and bias by channel.
Status write_group_norm(onnx::ExportContext& c) {
  if (c.opset >= 21) return {};
  const auto op = c.as<GroupNormalization>();
  const auto rank = c.input(0)->rank();
  if (!rank) return c.fail("the rank of its input is not known, which opset 21 does not need", 21);
  ir::Builder& b = c.b;
  const DType dtype = c.input(0)->dtype();
  const DType stash = dtype == DType::f64 ? DType::f64 : static_cast<DType>(op.stash_type);
  ir::Value* x = b.cast(c.input(0), stash);
  ir::Value* grouped = b.emit(Reshape{}, {x, b.ints({0, op.num_groups, -1})});
  auto filled = [&](double v) {
    Tensor each = Tensor::zeros(stash, {op.num_groups});
    const Tensor one = ir::Builder::scalar_tensor(v, stash);
    for (size_t i = 0; i < each.nbytes(); i += one.nbytes())
      std::copy_n(one.data(), one.nbytes(), each.mutable_bytes().data() + i);
    return b.constant(std::move(each));
  };
  ir::Value* normal =
      b.emit(InstanceNormalization{.epsilon = op.epsilon}, {grouped, filled(1), filled(0)});
  ir::Value* back = b.emit(Reshape{}, {normal, b.emit(ops::Shape{}, {c.input(0)})});
  std::vector<int64_t> by_channel(*rank - 1, 1);
  by_channel[0] = -1;
  auto parameter = [&](size_t i) { return b.emit(Reshape{}, {c.input(i), b.ints(by_channel)}); };
  ir::Value* y = b.cast(back, dtype);
  y = b.emit_named("Mul", {y, parameter(1)});
  return c.replace({b.emit_named("Add", {y, parameter(2)})});
}

}  // namespace

std::span<const onnx::Mapping> group_norm_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<GroupNormalization>({.read = read_group_norm, .write = write_group_norm})};
  return rows;
}

}  // namespace tenon::ops
