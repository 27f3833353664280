#include "ops/random/random.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// bf16 appears in opset 22: before, f32 is drawn and cast.
template <class Op>
Status write_drawn(onnx::ExportContext& c) {
  auto op = c.as<Op>();
  onnx::Values inputs(c.node->inputs().begin(), c.node->inputs().end());
  const DType type = c.node->output(0)->dtype();
  if (c.opset >= 22) return {};
  const bool narrow_input = !inputs.empty() && inputs[0]->dtype() == DType::bf16;
  if (type != DType::bf16 && !narrow_input) return {};
  op.dtype = static_cast<int64_t>(type == DType::bf16 ? DType::f32 : type);
  if (narrow_input) inputs[0] = c.b.cast(inputs[0], DType::f32);
  return c.replace({c.b.cast(c.b.emit(op, inputs), type)});
}

// Before opset 15: whether a uniform number is below the probability.
Status write_bernoulli(onnx::ExportContext& c) {
  const auto op = c.as<Bernoulli>();
  const DType type = c.node->output(0)->dtype();
  if (c.native() && (c.opset >= 22 || type != DType::bf16)) return {};
  ir::Value* p = c.input(0);
  if (p->dtype() == DType::bf16 || p->dtype() == DType::f16) p = c.b.cast(p, DType::f32);
  ir::Value* drawn = c.b.emit(RandomUniformLike{.seed = op.seed}, {p});
  return c.replace({c.b.cast(c.b.emit_named("Less", {drawn, p}), type)});
}

// Its input is of f16, f32 or f64 until opset 22, like that of others.
Status write_multinomial(onnx::ExportContext& c) {
  if (c.native()) return {};
  return c.replace({c.b.emit(c.as<Multinomial>(), {c.b.cast(c.input(0), DType::f32)})});
}

}  // namespace

std::span<const onnx::Mapping> random_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<RandomUniform>({.write = write_drawn<RandomUniform>}),
      onnx::plain<RandomUniformLike>({.write = write_drawn<RandomUniformLike>}),
      onnx::plain<RandomNormal>({.write = write_drawn<RandomNormal>}),
      onnx::plain<RandomNormalLike>({.write = write_drawn<RandomNormalLike>}),
      onnx::plain<Bernoulli>({.write = write_bernoulli}),
      onnx::plain<Multinomial>({.write = write_multinomial}),
  };
  return rows;
}

}  // namespace tenon::ops
