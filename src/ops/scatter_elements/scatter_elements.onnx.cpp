#include "ops/scatter_elements/scatter_elements.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// ScatterElements is called Scatter until opset 10.
Result<onnx::Values> read_scatter(onnx::ImportContext& c) { return c.emit<ScatterElements>(); }

Status write_scatter_elements(onnx::ExportContext& c) {
  const std::string reduction = c.as<ScatterElements>().reduction;
  if ((reduction == "max" || reduction == "min") && c.opset < 18)
    return c.fail(fmt::format("reduction '{}' appears in opset 18", reduction), 18);
  return {};
}

}  // namespace

std::span<const onnx::Mapping> scatter_elements_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<ScatterElements>({.write = write_scatter_elements}),
      onnx::read_only("Scatter", read_scatter),
  };
  return rows;
}

}  // namespace tenon::ops
