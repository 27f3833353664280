#include "passes/bounded_values.h"

#include <limits>

#include "ops/arg_reduce/arg_reduce.h"
#include "ops/cumsum/cumsum.h"
#include "ops/scatter_elements/scatter_elements.h"
#include "ops/topk/topk.h"

namespace tenon::passes {
namespace {

using ir::Value;
using ops::Emit;

Value* rows(const Emit& e, int64_t size) { return e.count_to(e.integer(size)); }

Value* zeros(const Emit& e, int64_t size) {
  return e.b.constant(Tensor::zeros(DType::i64, {size}));
}

// How many elements of a mask are true up to each, itself included: i64. Counted in floats, which
// every release of TensorRT sums up, as far as they count exactly.
Value* running_count(const Emit& e, Value* mask) {
  constexpr int64_t kCountedInFloats = int64_t{1} << 24;
  const auto size = mask->shape()->back().constant();
  const bool floats = size && *size <= kCountedInFloats;
  Value* ones = e.b.cast(mask, floats ? DType::f32 : DType::i64);
  return e.b.cast(e.b.emit(ops::CumSum{}, {ones, e.integer(0)}), DType::i64);
}

// x with the elements of `values` put at `places`; those whose place is past the end are left out.
Value* scattered(const Emit& e, Value* places, Value* values, int64_t size) {
  Value* room = zeros(e, size + 1);
  Value* put = e.b.emit(ops::ScatterElements{}, {room, places, values});
  return e.op("Slice", {put, e.b.ints({0}), e.b.ints({size})});
}

// Whether any element is true, as 0-d.
Value* any(const Emit& e, Value* mask) {
  return e.b.cast(e.reduce("ReduceMax", e.b.cast(mask, DType::i32), 0, false), DType::boolean);
}

struct Corners {
  Value *x1, *y1, *x2, *y2, *area;
};

Corners corners_of(const Emit& e, Value* boxes, bool centred) {
  Value* column[4];
  for (int64_t i = 0; i < 4; ++i) column[i] = e.column(boxes, e.integer(i));
  Corners out{};
  if (centred) {
    Value* half = e.number(boxes, 0.5);
    Value *w = e.op("Mul", {column[2], half}), *h = e.op("Mul", {column[3], half});
    out = {e.op("Sub", {column[0], w}), e.op("Sub", {column[1], h}), e.op("Add", {column[0], w}),
           e.op("Add", {column[1], h}), nullptr};
  } else {
    out = {e.op("Min", {column[0], column[2]}), e.op("Min", {column[1], column[3]}),
           e.op("Max", {column[0], column[2]}), e.op("Max", {column[1], column[3]}), nullptr};
  }
  out.area = e.op("Mul", {e.op("Sub", {out.x2, out.x1}), e.op("Sub", {out.y2, out.y1})});
  return out;
}

// Intersection over union of every box with the one at `place` ([1]).
Value* overlaps(const Emit& e, const Corners& all, Value* place) {
  const auto of = [&](Value* x) { return e.column(x, place); };
  Value* zero = e.number(all.x1, 0);
  const auto length = [&](Value* low, Value* high) {
    return e.op("Max",
                {zero, e.op("Sub", {e.op("Min", {high, of(high)}), e.op("Max", {low, of(low)})})});
  };
  Value* common = e.op("Mul", {length(all.x1, all.x2), length(all.y1, all.y2)});
  Value* together = e.op("Sub", {e.op("Add", {all.area, of(all.area)}), common});
  return e.op("Div", {common, together});
}

}  // namespace

Value* counting(const Emit& e, Value* count, int64_t size) {
  return e.op("Less", {rows(e, size), count});
}

Prefix true_places(const Emit& e, Value* mask, int64_t size) {
  Value* ones = e.b.cast(mask, DType::i64);
  Value* to = e.where(mask, e.op("Sub", {running_count(e, mask), e.integer(1)}), e.integer(size));
  return {scattered(e, to, e.count_to(e.size(mask, -1)), size),
          e.reduce("ReduceSum", ones, 0, false)};
}

Result<Prefix> suppressed(const Emit& e, ir::Node* before, Value* boxes, Value* scores,
                          Value* eligible, Value* threshold, bool centred, int64_t most) {
  const Corners corners = corners_of(e, boxes, centred);
  Value* lowest = e.number(scores, -std::numeric_limits<double>::infinity());
  // What is eligible stays above what is not, whatever its score.
  Value* floor = e.number(scores, std::numeric_limits<float>::lowest());
  Value* ranked = scores->dtype() == DType::f32 ? e.op("Max", {scores, floor}) : scores;
  Value* places = e.count_to(e.size(scores, -1));
  Value* slots = rows(e, most);
  const auto step = [&](const Emit& in, Value* j, const std::vector<Value*>& carried) {
    Value *alive = carried[0], *kept = carried[1];
    // TensorRT takes no ArgMax of a vector.
    Value* candidates = in.as_row(in.where(alive, ranked, lowest));
    Value* best = in.b.emit(ops::ArgMax{.axis = 1, .keepdims = false}, {candidates});
    Value* near = in.op("Greater", {overlaps(in, corners, best), threshold});
    Value* gone = in.op("Or", {near, in.op("Equal", {places, best})});
    Value* left = in.op("And", {alive, in.op("Not", {gone})});
    Value* taken = in.where(in.op("Equal", {slots, j}), best, kept);
    return std::vector<Value*>{left, taken, in.op("Add", {j, in.integer(1)}), any(in, left)};
  };
  const auto done =
      TRY(ops::loop(e.b, before, e.integer(most), {eligible, zeros(e, most), e.integer(0)}, step,
                    any(e, eligible)));
  return Prefix{done[1], done[2]};
}

Distinct distinct(const Emit& e, Value* x, Value* count, int64_t size) {
  Value* counts = counting(e, count, size);
  // What does not count sorts after what does: it is as large as the largest, and comes later.
  Value* some = e.where(counts, x, e.b.emit(ops::Gather{.axis = 0}, {x, e.integer(0)}));
  Value* keys = e.where(counts, x, e.reduce("ReduceMax", some, 0, false));
  const auto sorted =
      e.b.emit_n(ops::TopK{.axis = 0, .largest = false}, {keys, e.b.ints({size})}, 2);
  Value *values = sorted[0], *order = sorted[1];
  // An element is the first of its value where the one before it differs.
  Value* before =
      e.b.emit(ops::Gather{.axis = 0},
               {values, e.op("Max", {e.op("Sub", {rows(e, size), e.integer(1)}), e.integer(0)})});
  Value* starts = e.op(
      "Or", {e.op("Not", {e.op("Equal", {values, before})}), e.equal(rows(e, size), e.integer(0))});
  starts = e.op("And", {starts, counts});
  const Prefix first = true_places(e, starts, size);
  Distinct out{};
  out.count = first.count;
  out.values = e.b.emit(ops::Gather{.axis = 0}, {values, first.value});
  out.first = e.b.emit(ops::Gather{.axis = 0}, {order, first.value});
  Value* number = e.op("Sub", {running_count(e, starts), e.integer(1)});
  out.inverse = e.b.emit(ops::ScatterElements{}, {zeros(e, size), order, number});
  // Up to where the next value starts, or to the end.
  Value* next = e.op("Add", {rows(e, size), e.integer(1)});
  Value* last = e.op("Equal", {next, first.count});
  Value* end =
      e.b.emit(ops::Gather{.axis = 0}, {first.value, e.op("Min", {next, e.integer(size - 1)})});
  out.repeats = e.op("Sub", {e.where(last, count, end), first.value});
  return out;
}

}  // namespace tenon::passes
