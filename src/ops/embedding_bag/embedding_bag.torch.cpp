// Sums, means and maxima over bags of rows of a table.
#include <cmath>

#include "ops/common/lower.h"
#include "ops/scatter_elements/scatter_elements.h"

namespace tenon::ops {
namespace embedding_bag_lowering {

using lower::V;
using torch::LowerContext;

enum class Mode : int64_t { sum = 0, mean = 1, max = 2 };

struct Bags {
  V* of = nullptr;  // the bag of each index
  ir::Dim count;
};

// The updates at their rows, or elements, of `onto`.
V* scattered(LowerContext& c, V* onto, V* at, V* updates, const char* reduction) {
  return c.b.emit(ScatterElements{.axis = 0, .reduction = reduction}, {onto, at, updates});
}

// A bag begins at each offset: an index is in the last bag that begins at or before its place.
Bags bags(LowerContext& c, const ir::Dim& indices) {
  V* offsets = c.b.cast(c.tensor("offsets"), DType::i64);
  ir::Dim count = lower::sizes(c, offsets)[0];
  if (c.flag("include_last_offset")) {
    count = count - 1;
    offsets = lower::slice(c, offsets, 0, 0, count);
  }
  V* zero = c.b.scalar(0, DType::i64);
  V* one = c.b.scalar(1, DType::i64);
  V* beginning = scattered(c, lower::expand(c, zero, {indices + 1}), offsets,
                           lower::expand(c, one, {count}), "add");
  V* begun = c.b.emit_with("CumSum", {{"exclusive", int64_t{0}}, {"reverse", int64_t{0}}},
                           {beginning, c.b.scalar_int(0)});
  return {lower::sub(c, lower::slice(c, begun, 0, 0, indices), one), count};
}

// The row that counts for nothing; null where there is none.
V* padding(LowerContext& c, V* weight) {
  if (!c.has("padding_idx")) return nullptr;
  ir::Dim row = c.integer("padding_idx");
  // Counted from the end, unless the overload says so that there is none.
  if (const auto n = row.constant(); n && *n < 0) {
    if (c.schema().overload != "padding_idx") return nullptr;
    row = row + lower::sizes(c, weight)[0];
  }
  return c.b.dim(row);
}

V* embedding_bag(LowerContext& c) {
  V *weight = c.tensor("weight"), *indices = c.b.cast(c.tensor("indices"), DType::i64);
  if (lower::rank(c, indices) != 1 || lower::rank(c, weight) != 2 ||
      lower::rank(c, c.tensor("offsets")) != 1)
    return c.refuse("the table is no matrix, or the indices or offsets are no vector");
  const auto mode = static_cast<Mode>(c.constant("mode"));
  const ir::Dim n = lower::sizes(c, indices)[0], width = lower::sizes(c, weight)[1];
  // Half types are summed in f32.
  const DType type = weight->dtype() == DType::f64 ? DType::f64 : DType::f32;
  V* rows = c.b.cast(lower::gather(c, weight, indices, 0), type);
  if (c.has("per_sample_weights"))
    rows = lower::mul(c, rows,
                      lower::unsqueeze(c, c.b.cast(c.tensor("per_sample_weights"), type), {1}));
  const Bags bag = bags(c, n);
  V* kept = lower::expand(c, lower::like(c, rows, 1), {n});
  V* neutral = lower::like(c, rows, mode == Mode::max ? -HUGE_VAL : 0);
  if (V* none = padding(c, weight)) {
    V* pads = c.b.emit_named("Equal", {indices, none});
    kept = lower::where(c, pads, lower::like(c, rows, 0), kept);
    rows = lower::where(c, lower::unsqueeze(c, pads, {1}), neutral, rows);
  }
  V* at = lower::expand(c, lower::unsqueeze(c, bag.of, {1}), {n, width});
  V* out = scattered(c, lower::expand(c, neutral, {bag.count, width}), at, rows,
                     mode == Mode::max ? "max" : "add");
  if (mode != Mode::sum) {
    // A bag of no rows gives 0.
    V* zero = lower::like(c, rows, 0);
    V* size = lower::unsqueeze(
        c, scattered(c, lower::expand(c, zero, {bag.count}), bag.of, kept, "add"), {1});
    out = mode == Mode::mean
              ? lower::div(c, out, c.b.emit_named("Max", {size, lower::like(c, rows, 1)}))
              : lower::where(c, c.b.emit_named("Equal", {size, zero}), zero, out);
  }
  // What only the backward pass reads depends on the kernel that PyTorch takes.
  return c.give({c.b.cast(out, weight->dtype()), nullptr, nullptr, nullptr});
}

}  // namespace embedding_bag_lowering

std::span<const torch::Lowering> embedding_bag_torch() {
  using namespace embedding_bag_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::embedding_bag", embedding_bag},
      {"aten::embedding_bag.padding_idx", embedding_bag},
      {"aten::_embedding_bag", embedding_bag},
      {"aten::_embedding_bag_forward_only", embedding_bag},
  };
  return kAll;
}

}  // namespace tenon::ops
