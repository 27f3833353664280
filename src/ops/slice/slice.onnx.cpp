#include "ops/slice/slice.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Until opset 9 everything is an attribute, and the axes are the first ones where not given.
Result<onnx::Values> read_slice(onnx::ImportContext& c) {
  if (c.opset < 10) {
    onnx::attribute_to_input(c, "starts", 1);
    onnx::attribute_to_input(c, "ends", 2);
    onnx::attribute_to_input(c, "axes", 3);
  }
  return c.emit<Slice>();
}

}  // namespace

std::span<const onnx::Mapping> slice_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Slice>({.read = read_slice})};
  return rows;
}

}  // namespace tenon::ops
