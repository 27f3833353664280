#include "ops/reshape/reshape.h"

#include <algorithm>

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Before opset 14 a size of 0 always copies the input's.
Status write_reshape(onnx::ExportContext& c) {
  if (c.opset >= 14 || !c.as<Reshape>().allowzero) return {};
  const auto shape = c.constant_ints(1);
  if (!shape || std::find(shape->begin(), shape->end(), 0) != shape->end())
    return c.fail("a size of 0 that means 0 (allowzero) appears in opset 14", 14);
  c.set_attribute("allowzero", int64_t{0});
  return {};
}

}  // namespace

std::span<const onnx::Mapping> reshape_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Reshape>({.write = write_reshape})};
  return rows;
}

}  // namespace tenon::ops
