#include "ops/roi_align/roi_align.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Before opset 16 there was one way of placing samples, today's output_half_pixel.
Result<onnx::Values> read_roi_align(onnx::ImportContext& c) {
  if (c.opset < 16)
    c.attributes.set("coordinate_transformation_mode", std::string("output_half_pixel"));
  return c.emit<RoiAlign>();
}

Status write_roi_align(onnx::ExportContext& c) {
  if (c.opset >= 16) return {};
  if (c.as<RoiAlign>().coordinate_transformation_mode != "output_half_pixel")
    return c.fail("RoiAlign's half_pixel coordinates (aligned=True) appear in opset 16", 16);
  c.drop_attribute("coordinate_transformation_mode");
  return {};
}

}  // namespace

std::span<const onnx::Mapping> roi_align_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<RoiAlign>({.read = read_roi_align, .write = write_roi_align}),
      onnx::plain<MaxRoiPool>()};
  return rows;
}

}  // namespace tenon::ops
