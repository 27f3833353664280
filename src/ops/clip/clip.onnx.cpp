#include "ops/clip/clip.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Until opset 10 the limits are attributes.
Result<onnx::Values> read_clip(onnx::ImportContext& c) {
  if (c.opset < 11) {
    c.resize(3);
    const DType dtype = c.input(0)->dtype();
    // Their defaults, the limits of float, limit nothing.
    auto limit = [&](const char* name) -> ir::Value* {
      const auto value = c.take<float>(name);
      if (!value || std::abs(*value) >= 3.402823e38f) return nullptr;
      return c.b.scalar(*value, dtype);
    };
    c.inputs[1] = limit("min");
    c.inputs[2] = limit("max");
  }
  return c.emit<Clip>();
}

// At opset 11 there are floats only: min(max(x, low), high) of others is composed.
Status write_clip(onnx::ExportContext& c) {
  if (c.native() || is_floating(c.input(0)->dtype())) return {};
  ir::Value* value = c.input(0);
  auto pick = [&](ir::Value* smaller, ir::Value* larger, ir::Value* limit) {
    value = c.b.emit_named("Where", {c.b.emit_named("Less", {smaller, larger}), limit, value});
  };
  if (c.has(1)) pick(value, c.input(1), c.input(1));
  if (c.has(2)) pick(c.input(2), value, c.input(2));
  return c.replace({value});
}

}  // namespace

std::span<const onnx::Mapping> clip_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Clip>({.read = read_clip, .write = write_clip})};
  return rows;
}

}  // namespace tenon::ops
