#include "ops/squeeze/squeeze.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// The axes are an attribute until opset 12.
template <class Op>
Result<onnx::Values> read_squeeze(onnx::ImportContext& c) {
  if (c.opset < 13) onnx::attribute_to_input(c, "axes", 1);
  return c.emit<Op>();
}

Status write_squeeze(onnx::ExportContext& c) {
  return c.opset < 13 ? c.input_to_attribute(1, "axes") : Status{};
}

}  // namespace

std::span<const onnx::Mapping> squeeze_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Squeeze>({.read = read_squeeze<Squeeze>, .write = write_squeeze}),
      onnx::plain<Unsqueeze>({.read = read_squeeze<Unsqueeze>, .write = write_squeeze}),
  };
  return rows;
}

}  // namespace tenon::ops
