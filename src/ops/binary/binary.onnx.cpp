#include "ops/binary/binary.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// Until opset 11 base and exponent are floats of one type.
Status write_pow(onnx::ExportContext& c) {
  if (c.opset >= 12) return {};
  ir::Builder& b = c.b;
  ir::Value* base = c.input(0);
  ir::Value* exponent = c.input(1);
  const DType dtype = base->dtype();
  if (is_floating(dtype)) {
    if (exponent->dtype() == dtype) return {};
    return c.replace({b.emit_named("Pow", {base, b.cast(exponent, dtype)})});
  }
  const auto power = c.constant_ints(1);
  if (power && power->size() == 1 && (*power)[0] >= 1 && (*power)[0] <= 8 &&
      exponent->rank() == 0) {
    ir::Value* out = base;
    for (int64_t i = 1; i < (*power)[0]; ++i) out = b.emit_named("Mul", {out, base});
    return c.replace({out == base ? b.emit_named("Identity", {base}) : out});
  }
  if (bits(dtype) > 32)
    return c.fail("powers of 64-bit integers appear in opset 12, double does not hold them", 12);
  ir::Value* wide = b.emit_named("Pow", {b.cast(base, DType::f64), b.cast(exponent, DType::f64)});
  return c.replace({b.cast(wide, dtype)});
}

}  // namespace

std::span<const onnx::Mapping> binary_onnx() {
  using onnx::plain;
  using onnx::Widen;
  static constexpr onnx::Mapping rows[] = {
      plain<Add>({.widen = Widen::numbers}),
      plain<Sub>({.widen = Widen::numbers}),
      plain<Mul>({.widen = Widen::numbers}),
      plain<Div>({.widen = Widen::numbers}),
      plain<Pow>({.write = write_pow}),
      plain<Mod>(),
      plain<And>(),
      plain<Or>(),
      plain<Xor>(),
      plain<BitwiseAnd>(),
      plain<BitwiseOr>(),
      plain<BitwiseXor>(),
      plain<BitShift>(),
  };
  return rows;
}

}  // namespace tenon::ops
