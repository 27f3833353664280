#include "ops/attention/attention.h"

#include <cmath>
#include <limits>

#include "onnx/mapping.h"
#include "ops/common/onnx_attention.h"

namespace tenon::ops {
namespace {

Status write_attention(onnx::ExportContext& c) {
  const auto op = c.as<Attention>();
  const bool windows = op.left_window_size >= 0 || op.right_window_size >= 0;
  const bool lengths = c.has(6);
  if (c.opset >= 25 || (c.opset == 24 && !windows) || (c.opset == 23 && !windows && !lengths))
    return {};
  return write_plain_attention(c, op);
}

}  // namespace

std::span<const onnx::Mapping> attention_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Attention>({.write = write_attention})};
  return rows;
}

}  // namespace tenon::ops
