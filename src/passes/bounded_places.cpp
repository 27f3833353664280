#include <algorithm>

#include "ops/concat/concat.h"
#include "ops/gather_elements/gather_elements.h"
#include "ops/gather_nd/gather_nd.h"
#include "ops/scatter_elements/scatter_elements.h"
#include "ops/scatter_nd/scatter_nd.h"
#include "ops/split/split.h"
#include "passes/bounded_rules.h"
#include "passes/bounded_values.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

using ir::Dim;
using ir::Node;
using ir::Shape;
using ir::Value;
using ops::Emit;
using Walk = BoundedWalk;

// Places that lie in the value whatever a row that does not count holds; those from the end become
// ones from the start, as the end is where the rows stop counting.
Value* usable(Walk& w, const Emit& e, Value* places, Value* rows, bool rows_vary) {
  Value* counts = w.counting_elements(e, places);
  Value* out = places;
  if (rows_vary && !places->is_constant()) {
    Value* from_end = e.op("Less", {places, e.number(places, 0)});
    out = e.where(from_end, e.op("Add", {places, e.b.cast(rows, places->dtype())}), places);
  }
  return counts ? e.where(counts, out, e.number(places, 0)) : out;
}

Status gather(Walk& w, Node& node) {
  const int64_t named =
      node.is("Gather") ? node.as<ops::Gather>().axis : node.as<ops::GatherElements>().axis;
  const size_t axis = TRY(axis_of(w, node, named));
  const Emit e = w.at(node);
  const Dim rows = (*w.was(node.input(0)))[axis];
  const bool vary = w.decided_by_data(rows);
  Value* places = node.input(1);
  if (vary && places->constant && passes::ints(places)) {
    const auto known = *passes::ints(places);
    if (std::ranges::any_of(known, [](int64_t p) { return p < 0; }))
      places = e.op("Add", {e.where(e.op("Less", {places, e.number(places, 0)}), w.count(e, rows),
                                    e.integer(0)),
                            places});
  } else {
    places = usable(w, e, places, vary ? w.count(e, rows) : nullptr, vary);
  }
  // Elements of a value that is cut beside the axis.
  if (node.is("GatherElements") && w.varies(node.input(0))) {
    const Shape& from = *w.was(node.input(0));
    for (size_t i = 0; i < from.size(); ++i) {
      if (i != axis && w.decided_by_data(from[i]) && !(from[i] == (*w.was(node.input(1)))[i]))
        return w.refuse(node, "sizes beside its axis differ");
    }
  }
  return keep_with(w, node, 1, places);
}

// How many rows the axes have that the last axis of `places` names, [n] (or 0-d for one).
Value* rows_named(Walk& w, const Emit& e, const Shape& data, size_t first, int64_t n) {
  std::vector<Value*> parts;
  for (int64_t i = 0; i < n; ++i) {
    const Dim& dim = data[first + static_cast<size_t>(i)];
    const auto size = dim.constant();
    parts.push_back(size ? e.b.ints({*size}) : e.as_vector(w.count(e, dim)));
  }
  return parts.size() == 1 ? parts[0] : e.b.emit(ops::Concat{.axis = 0}, parts);
}

Result<int64_t> named_axes(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  TRY(need_rank(w, node, 1));
  const auto n = w.was(node.input(1))->back().constant();
  if (!n) return w.refuse(node, "how many axes its indices name is not known");
  return *n;
}

Status gather_nd(Walk& w, Node& node) {
  const int64_t n = TRY(named_axes(w, node));
  const auto first = static_cast<size_t>(node.as<ops::GatherND>().batch_dims);
  const Shape data = *w.was(node.input(0));
  bool vary = false;
  for (int64_t i = 0; i < n; ++i) vary |= w.decided_by_data(data[first + static_cast<size_t>(i)]);
  const Emit e = w.at(node);
  Value* rows = vary ? rows_named(w, e, data, first, n) : nullptr;
  return keep_with(w, node, 1, usable(w, e, node.input(1), rows, vary));
}

// What does not count is written to a row after the last one, which is cut off again.
Status scatter_nd(Walk& w, Node& node) {
  const int64_t n = TRY(named_axes(w, node));
  const Shape data = *w.was(node.input(0)), places_shape = *w.was(node.input(1));
  const Emit e = w.at(node);
  const Shape fixed = TRY(w.fixed(data));
  const auto last = fixed[0].constant();
  Value* places = node.input(1);
  bool vary = false;
  for (int64_t i = 0; i < n; ++i) vary |= w.decided_by_data(data[static_cast<size_t>(i)]);
  if (vary) {
    Value* from_end = e.op("Less", {places, e.integer(0)});
    places = e.where(from_end, e.op("Add", {places, rows_named(w, e, data, 0, n)}), places);
  }
  Value* counts = w.counting_elements(e, node.input(1));
  Value* updates = node.input(2);
  if (w.varies(updates)) {
    Shape aligned(places_shape.begin(), places_shape.end() - 1);
    for (size_t i = static_cast<size_t>(n); i < data.size(); ++i) aligned.push_back(data[i]);
    updates = TRY(w.fit(e, updates, aligned));
  }
  if (counts == nullptr) {
    TRY(w.done());
    set_if_new(node, 1, places);
    return keep_with(w, node, 2, updates);
  }
  if (!last) return w.refuse(node, "the number of rows that it writes to is not fixed");
  std::vector<int64_t> outside(static_cast<size_t>(n), 0);
  outside[0] = *last;
  places = e.where(counts, places, e.b.ints(outside));
  Value* room = w.fit(e, node.input(0), 0, *last, *last + 1);
  Value* put = e.b.emit(node.as<ops::ScatterND>(), {room, places, updates});
  return w.put(node, 0, w.fit(e, put, 0, *last + 1, *last));
}

Status scatter_elements(Walk& w, Node& node) {
  const size_t axis = TRY(axis_of(w, node, node.as<ops::ScatterElements>().axis));
  const Shape data = *w.was(node.input(0));
  const Emit e = w.at(node);
  const Shape fixed = TRY(w.fixed(data));
  const auto last = fixed[axis].constant();
  const bool vary = w.decided_by_data(data[axis]);
  Value* places = node.input(1);
  if (vary) {
    Value* from_end = e.op("Less", {places, e.number(places, 0)});
    places = e.where(
        from_end, e.op("Add", {places, e.b.cast(w.count(e, data[axis]), places->dtype())}), places);
  }
  Value* counts = w.counting_elements(e, node.input(1));
  if (counts == nullptr) return keep_with(w, node, 1, places);
  if (!last) return w.refuse(node, "the number of rows that it writes to is not fixed");
  places = e.where(counts, places, e.number(places, static_cast<double>(*last)));
  Value* room = w.fit(e, node.input(0), axis, *last, *last + 1);
  Value* put = e.b.emit(node.as<ops::ScatterElements>(), {room, places, node.input(2)});
  return w.put(node, 0, w.fit(e, put, axis, *last + 1, *last));
}

// An axis from a start that may be computed, in steps: rows by their places where it varies.
Status slice(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  if (!w.was(node.output(0))) return w.refuse(node, "the rank of its result is not known");
  const Shape from = *w.was(node.input(0)), to = *w.was(node.output(0));
  const auto axes = node.input(3) ? passes::ints(node.input(3)) : std::nullopt;
  const auto steps = node.input(4) ? passes::ints(node.input(4)) : std::nullopt;
  if ((node.input(3) && !axes) || (node.input(4) && !steps))
    return w.refuse(node, "its axes or steps are computed");
  const auto& starts = node.input(1)->contents;
  const auto known_starts = passes::ints(node.input(1));
  const auto known_ends = passes::ints(node.input(2));
  const size_t count = axes ? axes->size() : w.was(node.input(1))->at(0).constant().value_or(0);
  const Emit e = w.at(node);
  Value* x = node.input(0);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const size_t axis =
        TRY(ir::normalize_axis(axes ? (*axes)[i] : static_cast<int64_t>(i), from.size()));
    const int64_t step = steps ? (*steps)[i] : 1;
    const auto vector = [&](int64_t v) { return e.b.ints({v}); };
    if (!w.decided_by_data(from[axis]) && !w.decided_by_data(to[axis])) {
      const auto part = [&](Value* all, const std::optional<std::vector<int64_t>>& known) {
        if (known) return vector((*known)[i]);
        return e.op("Slice", {all, vector(static_cast<int64_t>(i)),
                              vector(static_cast<int64_t>(i) + 1), vector(0)});
      };
      x = e.op("Slice", {x, part(node.input(1), known_starts), part(node.input(2), known_ends),
                         vector(static_cast<int64_t>(axis)), vector(step)});
      continue;
    }
    std::optional<Dim> start;
    if (known_starts)
      start = Dim((*known_starts)[i]);
    else if (starts && i < starts->size())
      start = (*starts)[i];
    if (!start) return w.refuse(node, "where it starts is not known");
    if (step < 1) return w.refuse(node, "it runs backwards");
    const int64_t rows = TRY(w.bound(from[axis])), want = TRY(w.bound(to[axis]));
    if (const auto s = start->constant(); s && *s >= 0 && *s + want * step <= rows) {
      x = e.op("Slice", {x, vector(*s), vector(*s + want * step),
                         vector(static_cast<int64_t>(axis)), vector(step)});
      continue;
    }
    if (const auto s = start->constant(); s && *s < 0) start = max(Dim(0), from[axis] + *start);
    const auto s = start->constant();
    Value* first = s ? e.integer(*s) : w.count(e, *start);
    Value* places =
        e.op("Add", {first, e.op("Mul", {e.count_to(e.integer(want)), e.integer(step)})});
    places = e.op("Min", {places, e.integer(std::max<int64_t>(rows - 1, 0))});
    x = e.b.emit(ops::Gather{.axis = static_cast<int64_t>(axis)}, {x, places});
  }
  return w.put(node, 0, x);
}

Status concat(Walk& w, Node& node) {
  const size_t axis = TRY(axis_of(w, node, node.as<ops::Concat>().axis));
  const Emit e = w.at(node);
  const Shape to = *w.was(node.output(0));
  const bool vary = w.decided_by_data(to[axis]);
  std::vector<Value*> parts, masks;
  int64_t size = 0;
  for (Value* value : node.inputs()) {
    Shape from = *w.was(value);
    for (size_t i = 0; i < to.size(); ++i) {
      if (i != axis) from[i] = to[i];
    }
    Value* part = w.varies(value) ? TRY(w.fit(e, value, from)) : value;
    parts.push_back(part);
    if (!vary) continue;
    const int64_t rows = TRY(w.bound(from[axis]));
    size += rows;
    masks.push_back(w.decided_by_data(from[axis])
                        ? counting(e, w.count(e, from[axis]), rows)
                        : e.op("Expand", {e.b.scalar(1, DType::boolean), e.b.ints({rows})}));
  }
  Value* all = e.b.emit(node.as<ops::Concat>(), parts);
  if (!vary) return w.put(node, 0, all);
  Value* mask = e.b.emit(ops::Concat{.axis = 0}, masks);
  const Prefix order = true_places(e, mask, TRY(w.bound(to[axis])));
  w.define(node.output(0), axis, order.count);
  return w.put(node, 0,
               e.b.emit(ops::Gather{.axis = static_cast<int64_t>(axis)}, {all, order.value}));
}

Status split(Walk& w, Node& node) {
  const size_t axis = TRY(axis_of(w, node, node.as<ops::Split>().axis));
  if (w.varies(node.input(0), axis)) return w.refuse(node, "what it splits varies along the axis");
  return w.keep(node);
}

Status roi_align(Walk& w, Node& node) {
  if (w.varies(node.input(0))) return w.refuse(node, "the size of its image depends on the data");
  const Emit e = w.at(node);
  return keep_with(w, node, 2, usable(w, e, node.input(2), nullptr, false));
}

constexpr BoundedRow kRules[] = {
    {"Concat", concat},
    {"Gather", gather},
    {"GatherElements", gather},
    {"GatherND", gather_nd},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"Slice", slice},
    {"Split", split},
    {"RoiAlign", roi_align},
};

}  // namespace

std::span<const BoundedRow> rules_of_places() { return kRules; }

}  // namespace tenon::passes
