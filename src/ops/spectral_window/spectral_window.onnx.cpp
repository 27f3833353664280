#include "ops/spectral_window/spectral_window.h"

#include <numbers>

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Before opset 17: the sum of cosines over the places.
template <class Op>
Status write_window(onnx::ExportContext& c, const CosineSum& sum) {
  if (c.opset >= 17) return {};
  const Op op = c.as<Op>();
  ir::Builder& b = c.b;
  auto number = [&](double value) { return b.scalar(value, DType::f64); };
  auto two = [&](const char* name, ir::Value* x, ir::Value* y) {
    return b.emit_named(name, {x, y});
  };
  ir::Value* size = b.cast(c.input(0), DType::f64);
  if (size->rank() != 0)
    size = b.emit_with("Reshape", {{"allowzero", int64_t{0}}},
                       {size, b.ints(std::initializer_list<int64_t>{})});
  ir::Value* places = b.emit_named("Range", {number(0), size, number(1)});
  ir::Value* n = op.periodic ? size : two("Sub", size, number(1));
  ir::Value* angle = two("Mul", two("Div", places, n), number(2 * std::numbers::pi));
  ir::Value* out =
      two("Sub", number(sum.a), two("Mul", b.emit_named("Cos", {angle}), number(sum.b)));
  if (sum.c != 0) {
    ir::Value* twice = b.emit_named("Cos", {two("Mul", angle, number(2))});
    out = two("Add", out, two("Mul", twice, number(sum.c)));
  }
  return c.replace({b.cast(out, static_cast<DType>(op.output_datatype))});
}
Status write_hann(onnx::ExportContext& c) { return write_window<HannWindow>(c, kHann); }
Status write_hamming(onnx::ExportContext& c) { return write_window<HammingWindow>(c, kHamming); }
Status write_blackman(onnx::ExportContext& c) { return write_window<BlackmanWindow>(c, kBlackman); }

}  // namespace

std::span<const onnx::Mapping> spectral_window_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<HannWindow>({.write = write_hann}),
      onnx::plain<HammingWindow>({.write = write_hamming}),
      onnx::plain<BlackmanWindow>({.write = write_blackman}),
  };
  return rows;
}

}  // namespace tenon::ops
