#include "ops/grid_sample/grid_sample.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Before opset 20 the modes had the names of two dimensions.
Result<onnx::Values> read_grid_sample(onnx::ImportContext& c) {
  if (auto mode = c.take<std::string>("mode")) {
    c.attributes.set("mode", *mode == "bilinear" ? "linear" : *mode == "bicubic" ? "cubic" : *mode);
  }
  return c.emit<GridSample>();
}

Status write_grid_sample(onnx::ExportContext& c) {
  if (c.opset >= 20) return {};
  if (c.input(0)->rank() != 4) return c.fail("only images of two spatial dimensions", 20);
  const std::string mode = c.as<GridSample>().mode;
  if (mode != "nearest") c.set_attribute("mode", mode == "linear" ? "bilinear" : "bicubic");
  return {};
}

}  // namespace

std::span<const onnx::Mapping> grid_sample_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<GridSample>({.read = read_grid_sample, .write = write_grid_sample})};
  return rows;
}

}  // namespace tenon::ops
