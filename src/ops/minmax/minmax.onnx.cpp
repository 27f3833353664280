#include "ops/minmax/minmax.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Integers appear in opset 12: before, they are compared and picked.
template <const char* kRelation>
Status write_minmax(onnx::ExportContext& c) {
  if (c.native() || is_floating(c.input(0)->dtype())) return {};
  ir::Value* best = c.input(0);
  for (size_t i = 1; i < c.node->inputs().size(); ++i) {
    ir::Value* other = c.input(i);
    best = c.b.emit_named("Where", {c.b.emit_named(kRelation, {other, best}), other, best});
  }
  return c.replace({best});
}

constexpr char kSmaller[] = "Less";
constexpr char kLarger[] = "Greater";

}  // namespace

std::span<const onnx::Mapping> minmax_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Min>({.write = write_minmax<kSmaller>}),
      onnx::plain<Max>({.write = write_minmax<kLarger>}),
      onnx::plain<Sum>(),
      onnx::plain<Mean>(),
  };
  return rows;
}

}  // namespace tenon::ops
