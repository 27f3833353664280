#include "ops/identity/identity.h"

#include "onnx/mapping.h"
#include "ops/constant_of_shape/constant_of_shape.h"
#include "ops/shape/shape.h"

namespace tenon::ops {
namespace {

// Dropout does nothing in evaluation; its mask then keeps everything.
Result<onnx::Values> read_dropout(onnx::ImportContext& c) {
  if (const ir::Value* training = c.input(2)) {
    const auto on = onnx::constant_ints(training);
    if (!on || on->empty() || (*on)[0] != 0)
      return c.fail("it may be in training mode", "export the model after calling eval()");
  }
  onnx::Values out{c.b.emit(Identity{}, {c.input(0)})};
  if (c.outputs > 1) {
    Tensor yes = Tensor::zeros(DType::boolean, {1});
    yes.mutable_values<uint8_t>()[0] = 1;
    out.push_back(c.b.emit(ConstantOfShape{.value = yes}, {c.b.emit(ops::Shape{}, {c.input(0)})}));
  }
  return out;
}

}  // namespace

std::span<const onnx::Mapping> identity_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Identity>(),
      onnx::read_only("Dropout", read_dropout),
  };
  return rows;
}

}  // namespace tenon::ops
