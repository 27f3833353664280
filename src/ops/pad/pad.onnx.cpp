#include "ops/pad/pad.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Until opset 10 pads and value are attributes.
Result<onnx::Values> read_pad(onnx::ImportContext& c) {
  if (c.opset < 11) {
    const float value = c.take<float>("value").value_or(0);
    onnx::attribute_to_input(c, "pads", 1);
    c.resize(3);
    if (value != 0) c.inputs[2] = c.b.scalar(value, c.input(0)->dtype());
  }
  return c.emit<Pad>();
}

// Until opset 17 pads are given for every axis.
Status write_pad(onnx::ExportContext& c) {
  const auto mode = c.as<Pad>().mode;
  if (mode == "wrap" && c.opset < 19) return c.fail("mode 'wrap' appears in opset 19", 19);
  if (c.opset >= 18 || !c.has(3)) return {};
  const auto axes = c.constant_ints(3), pads = c.constant_ints(1);
  const auto rank = c.input(0)->rank();
  if (!axes || !pads || !rank || pads->size() != 2 * axes->size()) {
    return c.fail("its axes, pads and rank must be constant before opset 18", 18);
  }
  std::vector<int64_t> all(2 * *rank, 0);
  for (size_t i = 0; i < axes->size(); ++i) {
    const size_t axis = TRY(ir::normalize_axis((*axes)[i], *rank));
    all[axis] = (*pads)[i];
    all[axis + *rank] = (*pads)[i + axes->size()];
  }
  c.set_inputs({c.input(0), c.b.ints(all), c.input(2)});
  return {};
}

}  // namespace

std::span<const onnx::Mapping> pad_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Pad>({.read = read_pad, .write = write_pad, .widen = onnx::Widen::numbers})};
  return rows;
}

}  // namespace tenon::ops
