// What one step of a view is in the graph: reading through it, and writing back through it.
#include <fmt/format.h>

#include <algorithm>

#include "ops/gather/gather.h"
#include "ops/reshape/reshape.h"
#include "ops/scatter_nd/scatter_nd.h"
#include "ops/slice/slice.h"
#include "ops/transpose/transpose.h"
#include "torch/machine.h"

namespace tenon::torch {

namespace {

bool without_ones_equal(const Shape& a, const Shape& b, std::vector<int64_t>& inserted) {
  // Whether b is a with ones inserted at `inserted`.
  inserted.clear();
  size_t i = 0;
  for (size_t j = 0; j < b.size(); ++j) {
    const size_t left_a = a.size() - i, left_b = b.size() - j;
    if (i < a.size() && a[i] == b[j] && (left_b == left_a || !b[j].is(1)))
      ++i;
    else if (b[j].is(1) && left_b > left_a)
      inserted.push_back(static_cast<int64_t>(j));
    else
      return false;
  }
  return i == a.size();
}

}  // namespace

// Reshape takes 0 for "as before" and one -1, which covers most dynamic shapes without computing
// any.
static ir::Value* emit_reshape(ir::Builder& b, ir::Value* value, const Shape& before,
                               const Shape& after) {
  if (before == after) return value;
  std::vector<int64_t> axes;
  if (without_ones_equal(before, after, axes))
    return b.emit_named("Unsqueeze", {value, b.ints(axes)});
  if (without_ones_equal(after, before, axes))
    return b.emit_named("Squeeze", {value, b.ints(axes)});
  std::vector<int64_t> spec;
  int free = 0;
  bool zero = false;
  for (size_t i = 0; i < after.size(); ++i) {
    if (auto n = after[i].constant()) {
      spec.push_back(*n);
      zero = zero || *n == 0;
    } else if (i < before.size() && before[i] == after[i]) {
      spec.push_back(0);
    } else {
      spec.push_back(-1);
      ++free;
    }
  }
  ops::Reshape op;
  const bool symbolic = free > 0 || std::any_of(after.begin(), after.end(),
                                                [](const Dim& d) { return !d.is_constant(); });
  if (zero) {
    op.allowzero = true;
    return b.emit(op, {value, b.shape(after)});
  }
  if (symbolic && free > 1) return b.emit(op, {value, b.shape(after)});
  ir::Value* out = b.emit(op, {value, b.ints(spec)});
  out->type.shape = after;  // exact where inference could only give a quotient
  return out;
}

// The places of every window's elements along the axis, one row for each window.
static ir::Value* window_places(ir::Builder& b, const ViewStep& step) {
  constexpr int64_t kLargestTable = 1 << 16;
  const Dim windows = step.after[step.axis];
  const int64_t size = *step.after[step.axis + 1].constant(), stride = *step.step.constant();
  if (const auto n = windows.constant(); n && *n * size <= kLargestTable) {
    Tensor table = Tensor::zeros(DType::i64, {*n, size});
    auto* places = reinterpret_cast<int64_t*>(table.mutable_bytes().data());
    for (int64_t w = 0; w < *n; ++w) {
      for (int64_t k = 0; k < size; ++k) *places++ = w * stride + k;
    }
    return b.constant(std::move(table));
  }
  ir::Value* starts =
      b.emit_named("Range", {b.scalar_int(0), b.dim(windows * step.step), b.scalar_int(stride)});
  starts->type.shape = Shape{windows};
  ir::Value* within = b.emit_named("Range", {b.scalar_int(0), b.scalar_int(size), b.scalar_int(1)});
  return b.emit_named("Add", {b.emit_named("Unsqueeze", {starts, b.ints({1})}), within});
}

// The places of a strided view's elements, in the view's order.
static std::vector<int64_t> strided_places(const ViewStep& step) {
  const std::vector<int64_t> sizes = *ir::constant_dims(step.after);
  std::vector<int64_t> places{*step.start.constant()};
  for (size_t d = 0; d < step.strides.size(); ++d) {
    std::vector<int64_t> next;
    next.reserve(places.size() * static_cast<size_t>(sizes[d]));
    for (const int64_t from : places) {
      for (int64_t i = 0; i < sizes[d]; ++i) next.push_back(from + i * step.strides[d]);
    }
    places = std::move(next);
  }
  return places;
}

// The shape of a strided view's elements in one row; complex ones keep their two parts.
static Shape strided_row(const ViewStep& step) {
  Shape row{ir::product(std::span(step.after).first(step.strides.size()))};
  row.insert(row.end(), step.before.begin() + 1, step.before.end());
  return row;
}

static ir::Value* conjugated(ir::Builder& b, ir::Value* parts) {
  const double signs[] = {1, -1};
  ir::Value* both = b.cast(b.constant(Tensor::of<double>(DType::f64, {2}, signs)), parts->dtype());
  return b.emit_named("Mul", {parts, both});
}

ir::Value* Machine::apply(const ViewStep& step, ir::Value* value) {
  switch (step.kind) {
    case ViewStep::Kind::reshape:
      return emit_reshape(builder, value, step.before, step.after);
    case ViewStep::Kind::permute: {
      ops::Transpose op;
      op.perm = step.permutation;
      return builder.emit(op, {value});
    }
    case ViewStep::Kind::slice: {
      // The end may lie behind the tensor's: Slice stops there.
      const Dim end = step.start + step.after[step.axis] * step.step;
      ir::Value* out =
          builder.emit(ops::Slice{}, {value, builder.shape({{step.start}}), builder.shape({{end}}),
                                      builder.ints({static_cast<int64_t>(step.axis)}),
                                      builder.shape({{step.step}})});
      out->type.shape = step.after;
      return out;
    }
    case ViewStep::Kind::select: {
      ops::Gather op;
      op.axis = static_cast<int64_t>(step.axis);
      return builder.emit(op, {value, builder.dim(step.start)});
    }
    case ViewStep::Kind::expand: {
      ir::Value* out = builder.emit_named("Expand", {value, builder.shape(step.after)});
      out->type.shape = step.after;
      return out;
    }
    case ViewStep::Kind::windows: {
      ops::Gather op;
      op.axis = static_cast<int64_t>(step.axis);
      ir::Value* out = builder.emit(op, {value, window_places(builder, step)});
      out->type.shape = step.after;
      return out;
    }
    case ViewStep::Kind::strided: {
      ir::Value* flat = builder.emit(ops::Gather{}, {value, builder.ints(strided_places(step))});
      return emit_reshape(builder, flat, strided_row(step), step.after);
    }
    case ViewStep::Kind::conjugate:
      return conjugated(builder, value);
  }
  return value;
}

// Replaces the rows along an axis whose numbers a vector gives; the part holds them in its order.
static ir::Value* scatter_rows(ir::Builder& b, size_t rank, size_t axis, ir::Value* whole,
                               ir::Value* rows, ir::Value* part) {
  // ScatterND takes whole rows of the first dimension: the axis goes to the front for it.
  ops::Transpose forward, back;
  forward.perm = {static_cast<int64_t>(axis)};
  for (int64_t i = 0; i < static_cast<int64_t>(rank); ++i) {
    if (i != static_cast<int64_t>(axis)) forward.perm->push_back(i);
  }
  back.perm.emplace(rank);
  for (size_t i = 0; i < rank; ++i)
    (*back.perm)[static_cast<size_t>((*forward.perm)[i])] = static_cast<int64_t>(i);
  rows = b.emit_named("Unsqueeze", {rows, b.ints({1})});
  if (axis == 0) return b.emit(ops::ScatterND{}, {whole, rows, part});
  return b.emit(
      back, {b.emit(ops::ScatterND{}, {b.emit(forward, {whole}), rows, b.emit(forward, {part})})});
}

Result<ir::Value*> Machine::apply_inverse(const ViewStep& step, ir::Value* whole, ir::Value* part) {
  switch (step.kind) {
    case ViewStep::Kind::reshape:
      return emit_reshape(builder, part, step.after, step.before);
    case ViewStep::Kind::permute: {
      ops::Transpose op;
      op.perm.emplace(step.permutation.size());
      for (size_t i = 0; i < step.permutation.size(); ++i)
        (*op.perm)[static_cast<size_t>(step.permutation[i])] = static_cast<int64_t>(i);
      return builder.emit(op, {part});
    }
    case ViewStep::Kind::expand:
      if (step.before == step.after) return part;
      return fail(ErrorKind::unsupported, "cannot write to this tensor",
                  "it is an expanded view, in which several elements share one place in memory",
                  "copy it first: x.expand(...).clone()");
    case ViewStep::Kind::windows: {
      const Dim windows = step.after[step.axis], size = step.after[step.axis + 1];
      if (ir::less_equal(size, step.step, ranges()) != ir::Truth::yes &&
          ir::less_equal(windows, 1, ranges()) != ir::Truth::yes) {
        return fail(ErrorKind::unsupported, "cannot write to this tensor",
                    fmt::format("it is a view by unfold() whose windows of {} elements at every {} "
                                "overlap, so that several elements share one place in memory",
                                size.str(), step.step.str()),
                    "copy it first: x.unfold(...).clone()");
      }
      Shape flat = step.before;
      flat[step.axis] = windows * size;
      ir::Value* rows =
          emit_reshape(builder, window_places(builder, step), {windows, size}, {windows * size});
      return scatter_rows(builder, flat.size(), step.axis, whole, rows,
                          emit_reshape(builder, part, step.after, flat));
    }
    case ViewStep::Kind::strided: {
      const std::vector<int64_t> places = strided_places(step);
      std::vector<int64_t> sorted = places;
      std::sort(sorted.begin(), sorted.end());
      if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
        return fail(ErrorKind::unsupported, "cannot write to this tensor",
                    "it is a view by as_strided() in which several elements share one place in "
                    "memory",
                    "copy it first: x.as_strided(...).clone()");
      }
      return scatter_rows(builder, step.before.size(), 0, whole, builder.ints(places),
                          emit_reshape(builder, part, step.after, strided_row(step)));
    }
    case ViewStep::Kind::conjugate:
      return conjugated(builder, part);
    case ViewStep::Kind::select:
    case ViewStep::Kind::slice:
      break;
  }
  const auto axis = static_cast<int64_t>(step.axis);
  const bool select = step.kind == ViewStep::Kind::select;
  if (select) part = builder.emit_named("Unsqueeze", {part, builder.ints({axis})});
  const Dim length = select ? Dim(1) : step.after[step.axis];
  const Dim size = step.before[step.axis];
  if (step.step.is(1)) {
    if (length == size) return part;
    std::vector<ir::Value*> pieces;
    auto piece = [&](const Dim& from, const Dim& to) {
      if (from == to) return;
      pieces.push_back(
          builder.emit(ops::Slice{}, {whole, builder.shape({{from}}), builder.shape({{to}}),
                                      builder.ints({axis}), builder.ints({1})}));
    };
    piece(0, step.start);
    pieces.push_back(part);
    piece(step.start + length, size);
    ir::Value* out = builder.emit_with("Concat", {{"axis", axis}}, pieces);
    out->type.shape = step.before;
    return out;
  }
  // Every step-th row.
  ir::Value* rows = builder.emit_named(
      "Range", {builder.dim(step.start), builder.dim(step.start + length * step.step),
                builder.dim(step.step)});
  rows->type.shape = Shape{length};
  return scatter_rows(builder, step.before.size(), step.axis, whole, rows, part);
}

}  // namespace tenon::torch
