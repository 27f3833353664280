#include "ops/batch_norm/batch_norm.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

Result<onnx::Values> read_batch_norm(onnx::ImportContext& c) {
  if (c.take<int64_t>("spatial").value_or(1) == 0)
    return c.fail("spatial = 0 normalises every position by itself", "export at opset 9 or newer");
  const bool trains =
      c.opset >= 14 ? c.attributes.get<int64_t>("training_mode", 0) != 0 : c.outputs > 1;
  if (trains)
    return c.fail("the model is in training mode", "export the model after calling eval()");
  c.outputs = 1;
  return c.emit<BatchNormalization>();
}

// Until opset 15 all inputs have one type (but for the statistics, at 14).
Status write_batch_norm(onnx::ExportContext& c) {
  if (c.opset >= 15) return {};
  for (size_t i = 1; i < 5; ++i) {
    if (c.has(i) && c.input(i)->dtype() != c.input(0)->dtype()) {
      if (c.input(0)->dtype() != DType::f32)
        return onnx::compute_in(c, c.input(0)->dtype(), DType::f32);
      return onnx::compute_in(c, c.input(i)->dtype(), DType::f32);
    }
  }
  return {};
}

}  // namespace

std::span<const onnx::Mapping> batch_norm_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<BatchNormalization>({.read = read_batch_norm, .write = write_batch_norm})};
  return rows;
}

}  // namespace tenon::ops
