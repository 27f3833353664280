#include "ops/reduce/reduce.h"

#include "onnx/mapping.h"

namespace tenon::ops {
namespace {

// The axes are an attribute until opset 17, of ReduceSum until 12.
template <class Op>
Result<onnx::Values> read_reduce(onnx::ImportContext& c) {
  onnx::attribute_to_input(c, "axes", 1);
  return c.emit<Op>();
}

template <class Op>
Status write_reduce(onnx::ExportContext& c) {
  const int since = c.node->op == "ReduceSum" ? 13 : 18;
  if (c.opset >= since) return {};
  const bool no_axes = !c.has(1) || (c.constant_ints(1) && c.constant_ints(1)->empty());
  if (c.as<Op>().noop_with_empty_axes && no_axes) {
    constexpr bool kKeeps = std::is_same_v<Op, ReduceSum> || std::is_same_v<Op, ReduceMean> ||
                            std::is_same_v<Op, ReduceMax> || std::is_same_v<Op, ReduceMin> ||
                            std::is_same_v<Op, ReduceProd>;
    if (!kKeeps)
      return c.fail(fmt::format("noop_with_empty_axes appears in opset {}", since), since);
    return c.replace({c.input(0)});
  }
  c.drop_attribute("noop_with_empty_axes");
  return c.input_to_attribute(1, "axes");
}

// Booleans appear in opset 20, bytes in 12: before, they are integers, whose extremes an empty
// input gives.
template <class Op>
Status write_extreme(onnx::ExportContext& c) {
  const DType dtype = c.input(0)->dtype();
  const onnx::SchemaParameter* data = onnx::find_schema(c.node->op, c.opset)->input(0);
  if (onnx::accepts(data, dtype)) return write_reduce<Op>(c);
  if (dtype != DType::boolean) return onnx::compute_in(c, dtype, DType::i32);
  ir::Value* numbers = c.b.cast(c.input(0), DType::i32);
  ir::Value* extreme = c.b.emit(c.as<Op>(), {numbers, c.input(1)});
  return c.replace({c.b.emit_named("Greater", {extreme, c.b.scalar(0, DType::i32)})});
}

template <class Op>
constexpr onnx::Mapping row() {
  return onnx::plain<Op>({.read = read_reduce<Op>, .write = write_reduce<Op>});
}
template <class Op>
constexpr onnx::Mapping extreme_row() {
  return onnx::plain<Op>({.read = read_reduce<Op>, .write = write_extreme<Op>});
}

// x / norm of x along the axis.
Result<onnx::Values> read_lp_normalization(onnx::ImportContext& c) {
  const int64_t axis = c.take<int64_t>("axis").value_or(-1);
  const int64_t p = c.take<int64_t>("p").value_or(2);
  ir::Value* axes = c.b.ints({axis});
  ir::Value* norm =
      p == 1 ? c.b.emit(ReduceL1{}, {c.input(0), axes}) : c.b.emit(ReduceL2{}, {c.input(0), axes});
  // A vector of zeros stays zero.
  ir::Value* zero = c.b.scalar(0, c.input(0)->dtype());
  ir::Value* safe = c.b.emit_named(
      "Where", {c.b.emit_named("Equal", {norm, zero}), c.b.scalar(1, c.input(0)->dtype()), norm});
  return onnx::Values{c.b.emit_named("Div", {c.input(0), safe})};
}

// (x - mean) / (deviation + 1e-9) over the axes.
Result<onnx::Values> read_mean_variance(onnx::ImportContext& c) {
  const auto axes = c.take<std::vector<int64_t>>("axes").value_or(std::vector<int64_t>{0, 2, 3});
  ir::Builder& b = c.b;
  ir::Value* x = c.input(0);
  ir::Value* over = b.ints(axes);
  ir::Value* mean = b.emit(ReduceMean{}, {x, over});
  ir::Value* square = b.emit(ReduceMean{}, {b.emit_named("Mul", {x, x}), over});
  ir::Value* variance = b.emit_named("Sub", {square, b.emit_named("Mul", {mean, mean})});
  ir::Value* deviation =
      b.emit_named("Add", {b.emit_named("Sqrt", {variance}), b.scalar(1e-9, x->dtype())});
  return onnx::Values{b.emit_named("Div", {b.emit_named("Sub", {x, mean}), deviation})};
}

}  // namespace

std::span<const onnx::Mapping> reduce_onnx() {
  static constexpr onnx::Mapping rows[] = {
      row<ReduceMean>(),
      row<ReduceSum>(),
      extreme_row<ReduceMax>(),
      extreme_row<ReduceMin>(),
      row<ReduceProd>(),
      row<ReduceL1>(),
      row<ReduceL2>(),
      row<ReduceLogSum>(),
      row<ReduceLogSumExp>(),
      row<ReduceSumSquare>(),
      onnx::read_only("LpNormalization", read_lp_normalization),
      onnx::read_only("MeanVarianceNormalization", read_mean_variance),
  };
  return rows;
}

}  // namespace tenon::ops
