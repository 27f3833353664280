#include "passes/bounded_values.h"

#include <limits>

#include "ops/arg_reduce/arg_reduce.h"
#include "ops/concat/concat.h"
#include "ops/cumsum/cumsum.h"
#include "ops/gather_elements/gather_elements.h"
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

// Whether any element along the axes is true.
Value* any(const Emit& e, Value* mask, std::initializer_list<int64_t> axes, bool keep) {
  Value* most = e.b.emit_with(
      "ReduceMax", {{"keepdims", int64_t{keep ? 1 : 0}}, {"noop_with_empty_axes", int64_t{0}}},
      {e.b.cast(mask, DType::i32), e.b.ints(axes)});
  return e.b.cast(most, DType::boolean);
}

// Of every image and class, [images, classes, n].
struct Corners {
  Value *x1, *y1, *x2, *y2, *area;
};

Corners corners_of(const Emit& e, Value* boxes, bool centred, const std::vector<int64_t>& sizes) {
  Value* column[4];
  for (int64_t i = 0; i < 4; ++i)
    column[i] = e.op("Expand", {e.unsqueeze(e.column(boxes, e.integer(i)), 1), e.b.ints(sizes)});
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

// Intersection over union of every box with the one at `place` [images, classes, 1].
Value* overlaps(const Emit& e, const Corners& all, Value* place) {
  const auto of = [&](Value* x) { return e.b.emit(ops::GatherElements{.axis = 2}, {x, place}); };
  Value* zero = e.number(all.x1, 0);
  const auto length = [&](Value* low, Value* high) {
    Value* size = e.op("Sub", {e.op("Min", {high, of(high)}), e.op("Max", {low, of(low)})});
    return e.op("Max", {zero, size});
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
  const auto sizes = *ir::constant_dims(*scores->shape());
  const int64_t classes = sizes[1], pairs = sizes[0] * sizes[1];
  const Corners corners = corners_of(e, boxes, centred, sizes);
  Value* none = e.number(scores, -std::numeric_limits<double>::infinity());
  // What is eligible stays above what is not, whatever its score.
  Value* floor = e.number(scores, std::numeric_limits<float>::lowest());
  Value* ranked = scores->dtype() == DType::f32 ? e.op("Max", {scores, floor}) : scores;
  Value *places = rows(e, sizes[2]), *slots = rows(e, most);
  Value* alive = e.op("Expand", {eligible, e.b.ints(sizes)});
  const auto step = [&](const Emit& in, Value* j, const std::vector<Value*>& carried) {
    Value *left = carried[0], *kept = carried[1], *counts = carried[2];
    Value* goes_on = any(in, left, {2}, true);  // of each class: something is left
    Value* best = in.b.emit(ops::ArgMax{.axis = 2}, {in.where(left, ranked, none)});
    Value* near = in.op("Greater", {overlaps(in, corners, best), threshold});
    Value* gone = in.op("Or", {near, in.op("Equal", {places, best})});
    Value* here = in.op("And", {in.op("Equal", {slots, j}), goes_on});
    Value* still = in.op("And", {left, in.op("Not", {gone})});
    return std::vector<Value*>{still, in.where(here, best, kept),
                               in.op("Add", {counts, in.b.cast(goes_on, DType::i64)}),
                               any(in, still, {0, 1, 2}, false)};
  };
  const auto start = [&](int64_t last) {
    return e.b.constant(Tensor::zeros(DType::i64, {sizes[0], classes, last}));
  };
  const auto done = TRY(ops::loop(e.b, before, e.integer(most), {alive, start(most), start(1)},
                                  step, any(e, alive, {0, 1, 2}, false)));
  Value* kept = e.op("Reshape", {done[1], e.b.ints({-1})});
  if (pairs == 1) {
    Value* column = e.as_column(kept);
    Value* first = e.b.constant(Tensor::zeros(DType::i64, {most, 2}));
    return Prefix{e.b.emit(ops::Concat{.axis = 1}, {first, column}),
                  e.op("Squeeze", {done[2], e.b.ints({0, 1, 2})})};
  }
  Value* counting_slots = e.op("Reshape", {e.op("Less", {slots, done[2]}), e.b.ints({-1})});
  const Prefix all = true_places(e, counting_slots, pairs * most);
  Value* pair = e.op("Div", {all.value, e.integer(most)});
  Value* image = e.op("Div", {pair, e.integer(classes)});
  Value* label = e.op("Sub", {pair, e.op("Mul", {image, e.integer(classes)})});
  Value* place = e.b.emit(ops::Gather{.axis = 0}, {kept, all.value});
  return Prefix{e.b.emit(ops::Concat{.axis = 1},
                         {e.as_column(image), e.as_column(label), e.as_column(place)}),
                all.count};
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
