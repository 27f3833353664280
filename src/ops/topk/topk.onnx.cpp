#include "ops/topk/topk.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// K is an attribute until opset 9.
Result<onnx::Values> read_topk(onnx::ImportContext& c) {
  if (c.opset < 10) {
    const auto k = c.take<int64_t>("k");
    if (!k) return c.fail("it lacks its attribute k");
    c.inputs.push_back(c.b.ints({*k}));
  }
  c.outputs = 2;
  return c.emit<TopK>();
}

}  // namespace

std::span<const onnx::Mapping> topk_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<TopK>({.read = read_topk})};
  return rows;
}

}  // namespace tenon::ops
