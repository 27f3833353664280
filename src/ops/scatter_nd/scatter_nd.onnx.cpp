#include "ops/scatter_nd/scatter_nd.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

Status write_scatter_nd(onnx::ExportContext& c) {
  const std::string reduction = c.as<ScatterND>().reduction;
  if ((reduction == "max" || reduction == "min") && c.opset < 18)
    return c.fail(fmt::format("reduction '{}' appears in opset 18", reduction), 18);
  return {};
}

}  // namespace

std::span<const onnx::Mapping> scatter_nd_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<ScatterND>({.write = write_scatter_nd})};
  return rows;
}

}  // namespace tenon::ops
