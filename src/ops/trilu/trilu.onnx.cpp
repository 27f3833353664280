#include "ops/trilu/trilu.h"

#include "onnx/mapping.h"
#include "ops/range/range.h"
#include "ops/shape/shape.h"

namespace tenon::ops {
namespace {

// Before opset 14: keep where column - row >= k (upper) or <= k (lower).
Status write_trilu(onnx::ExportContext& c) {
  if (c.opset >= 14) return {};
  ir::Value* x = c.input(0);
  auto count = [&](int64_t from_end) {  // 0 .. size-1 of one of the two last axes
    ir::Value* shape = c.b.emit(ops::Shape{}, {x});
    ir::Value* size = c.b.emit_named(
        "Squeeze",
        {c.b.emit_named("Slice", {shape, c.b.ints({-from_end}),
                                  c.b.ints({from_end == 1 ? int64_t{1} << 20 : -from_end + 1}),
                                  c.b.ints({0})}),
         c.b.ints({0})});
    return c.b.emit(Range{}, {c.b.scalar_int(0), size, c.b.scalar_int(1)});
  };
  ir::Value* rows = c.b.emit_named("Unsqueeze", {count(2), c.b.ints({1})});
  ir::Value* columns = c.b.emit_named("Unsqueeze", {count(1), c.b.ints({0})});
  ir::Value* offset = c.b.emit_named("Sub", {columns, rows});
  ir::Value* k = c.has(1) ? c.input(1) : c.b.scalar_int(0);
  const bool upper = c.as<Trilu>().upper;
  ir::Value* out = c.b.emit_named(upper ? "Less" : "Greater", {offset, k});
  return c.replace({c.b.emit_named("Where", {out, c.b.scalar(0, x->dtype()), x})});
}

}  // namespace

// TensorRT's parser takes `upper` for 0 where it is left out, and its default is 1.
std::span<const onnx::Mapping> trilu_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Trilu>({.write = write_trilu, .spell_out = true})};
  return rows;
}

}  // namespace tenon::ops
