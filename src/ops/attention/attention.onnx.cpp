#include "ops/attention/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "onnx/mapping.h"
#include "ops/common/onnx_attention.h"

namespace tenon::ops {
namespace {

// The lowest number of a type, with which models mask, and half of it.
struct Lowest {
  double whole, half;
};
std::optional<Lowest> lowest(DType dtype) {
  if (dtype == DType::f32) return Lowest{-double{std::numeric_limits<float>::max()}, -1.7e38};
  if (dtype == DType::f16) return Lowest{-65504, -32752};
  return std::nullopt;
}

bool may_hold(const ir::Value* mask, double number) {
  if (!mask->is_constant() || mask->dtype() != DType::f32) return true;
  const auto values = mask->constant->values<float>();
  return std::find(values.begin(), values.end(), static_cast<float>(number)) != values.end();
}

// What ONNX Runtime 1.32 makes of a mask against the definition: it takes none of one row for all
// queries, and a row of the type's lowest number for one that sees no key, which would give 0
// instead of the values' mean.
Status widen_mask(onnx::ExportContext& c) {
  const auto &shape = c.input(3)->shape(), &queries = c.input(0)->shape();
  ir::Value* mask = c.input(3);
  if (const auto number = lowest(mask->dtype()); number && may_hold(mask, number->whole)) {
    ir::Value* least = c.b.emit_named("Equal", {mask, c.b.scalar(number->whole, mask->dtype())});
    mask = c.b.emit_named("Where", {least, c.b.scalar(number->half, mask->dtype()), mask});
  }
  if (shape && queries && shape->size() >= 2 && queries->size() >= 3) {
    const ir::Dim length = (*queries)[queries->size() - 2];
    ir::Shape full = *shape;
    if (full[full.size() - 2].is(1) && !length.is(1)) {
      full[full.size() - 2] = length;
      mask = c.b.emit_named("Expand", {mask, c.b.shape(full)});
    }
  }
  if (mask == c.input(3)) return {};
  onnx::Values inputs(c.node->inputs().begin(), c.node->inputs().end());
  inputs[3] = mask;
  TRY(c.b.status());
  c.set_inputs(inputs);
  return {};
}

Status write_attention(onnx::ExportContext& c) {
  const auto op = c.as<Attention>();
  const bool windows = op.left_window_size >= 0 || op.right_window_size >= 0;
  const bool lengths = c.has(6);
  if (c.opset >= 25 || (c.opset == 24 && !windows) || (c.opset == 23 && !windows && !lengths))
    return c.has(3) ? widen_mask(c) : Status();
  return write_plain_attention(c, op);
}

}  // namespace

std::span<const onnx::Mapping> attention_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Attention>({.write = write_attention})};
  return rows;
}

}  // namespace tenon::ops
