// What becomes of each operator when values have rows that do not count.

#include <algorithm>
#include <limits>

#include "ops/arg_reduce/arg_reduce.h"
#include "ops/concat/concat.h"
#include "ops/cumsum/cumsum.h"
#include "ops/gather_elements/gather_elements.h"
#include "ops/gather_nd/gather_nd.h"
#include "ops/gemm/gemm.h"
#include "ops/non_max_suppression/non_max_suppression.h"
#include "ops/resize/resize.h"
#include "ops/scatter_elements/scatter_elements.h"
#include "ops/scatter_nd/scatter_nd.h"
#include "ops/softmax/softmax.h"
#include "ops/split/split.h"
#include "ops/topk/topk.h"
#include "ops/unique/unique.h"
#include "passes/bounded_values.h"
#include "passes/bounded_walk.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

using ir::Dim;
using ir::Node;
using ir::Shape;
using ir::Value;
using ops::Emit;
using Walk = BoundedWalk;

const double kHighest = std::numeric_limits<double>::infinity();

// A number that no element of the type is below, or above.
double extreme(DType dtype, bool high) {
  double out = kHighest;
  if (dtype == DType::i64)
    out = 4611686018427387904.0;
  else if (dtype == DType::i32)
    out = 2147483647.0;
  else if (!is_floating(dtype))
    out = 0;
  return high ? out : -out;
}

Status need_rank(Walk& w, Node& node, size_t i) {
  if (node.input(i) && w.was(node.input(i))) return {};
  return w.refuse(node, "the rank of its input is not known");
}

Result<size_t> axis_of(Walk& w, Node& node, int64_t axis) {
  TRY(need_rank(w, node, 0));
  return ir::normalize_axis(axis, w.was(node.input(0))->size());
}

void set_if_new(Node& node, size_t i, Value* value) {
  if (node.input(i) != value) node.graph->set_input(&node, i, value);
}

Status keep_with(Walk& w, Node& node, size_t i, Value* value) {
  TRY(w.done());
  set_if_new(node, i, value);
  return w.keep(node);
}

// --- element by element

Status elementwise(Walk& w, Node& node) {
  const Shape* to = w.was(node.output(0));
  if (to == nullptr) return w.refuse(node, "the rank of its result is not known");
  const Emit e = w.at(node);
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    Value* value = node.input(i);
    if (value == nullptr || !w.varies(value)) continue;
    const Shape from = *w.was(value);
    Shape aligned;
    for (size_t axis = 0; axis < from.size(); ++axis) {
      const Dim& out = (*to)[to->size() - from.size() + axis];
      aligned.push_back(from[axis].is(1) ? from[axis] : out);
    }
    Value* fitted = TRY(w.fit(e, value, aligned));
    // A size that was found to be the other operand's.
    for (size_t axis = 0; axis < from.size(); ++axis) {
      const auto size = aligned[axis].constant();
      if (size && w.decided_by_data(from[axis]))
        fitted = w.fit(e, fitted, axis, TRY(w.bound(from[axis])), *size);
    }
    TRY(w.done());
    set_if_new(node, i, fitted);
  }
  return w.keep(node);
}

Status unchanged(Walk& w, Node& node) { return w.keep(node); }

// Everything along the first axis is computed for itself, and nothing else varies.
Status batched(Walk& w, Node& node) {
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    if (!node.input(i) || !w.varies(node.input(i))) continue;
    const Shape& shape = *w.was(node.input(i));
    for (size_t axis = i == 0 ? 1 : 0; axis < shape.size(); ++axis) {
      if (w.decided_by_data(shape[axis]))
        return w.refuse(node, "more than the number of its rows depends on the data");
    }
  }
  return w.keep(node);
}

// Nothing is added along what varies.
Status pad(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  const Shape& shape = *w.was(node.input(0));
  const auto pads = passes::ints(node.input(1));
  if (!pads || node.input(3))
    return w.refuse(node, "how much it adds along which axis is computed");
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!w.decided_by_data(shape[axis])) continue;
    if ((*pads)[axis] != 0 || (*pads)[axis + shape.size()] != 0)
      return w.refuse(node, "it adds rows to those that depend on the data");
  }
  return w.keep(node);
}

// As `batched`; sizes that are asked for by the shape become those that are fixed.
Status resize(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  if (!w.was(node.output(0))) return w.refuse(node, "the rank of its result is not known");
  const Shape &from = *w.was(node.input(0)), to = *w.was(node.output(0));
  for (size_t axis = 0; axis < from.size(); ++axis) {
    const bool varies = w.decided_by_data(from[axis]) || w.decided_by_data(to[axis]);
    if (varies && !(axis == 0 && from[axis] == to[axis]))
      return w.refuse(node, "more than the number of its rows depends on the data");
  }
  if (!node.input(3) || node.as<ops::Resize>().axes) return w.keep(node);
  const Emit e = w.at(node);
  const Shape fixed = TRY(w.fixed(to));
  return keep_with(w, node, 3, e.b.shape(fixed));
}

Status gemm(Walk& w, Node& node) {
  if (node.as<ops::Gemm>().trans_a) return w.refuse(node, "it sums over its rows");
  return batched(w, node);
}

// --- sizes

Status size_of(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  const Shape& shape = *w.was(node.input(0));
  const Emit e = w.at(node);
  if (node.is("Size")) return w.put(node, 0, w.count(e, ir::product(shape)));
  const auto contents = node.output(0)->contents;
  if (!contents) return w.refuse(node, "which sizes are asked for is not known");
  std::vector<Value*> parts;
  for (const Dim& dim : *contents) {
    const auto size = dim.constant();
    parts.push_back(size ? e.b.ints({*size}) : e.as_vector(w.count(e, dim)));
  }
  if (parts.empty()) return w.keep(node);
  Value* all = parts.size() == 1 ? e.b.emit_named("Identity", {parts[0]})
                                 : e.b.emit(ops::Concat{.axis = 0}, parts);
  all->contents = contents;
  return w.put(node, 0, all);
}

Status expand(Walk& w, Node& node) {
  const Value* out = node.output(0);
  if (!w.was(out)) return w.refuse(node, "the rank of its result is not known");
  const Shape shape = *w.was(out);
  const Emit e = w.at(node);
  const Shape fixed = TRY(w.fixed(shape));
  Value* x = node.input(0);
  if (node.is("Expand") && w.varies(x)) {
    const Shape from = *w.was(x);
    Shape aligned;
    for (size_t axis = 0; axis < from.size(); ++axis)
      aligned.push_back(from[axis].is(1) ? from[axis] : shape[shape.size() - from.size() + axis]);
    x = TRY(w.fit(e, x, aligned));
  }
  Value* sizes = e.b.shape(fixed);
  TRY(w.done());
  if (node.is("Expand")) {
    set_if_new(node, 0, x);
    return keep_with(w, node, 1, sizes);
  }
  return keep_with(w, node, 0, sizes);
}

Status range(Walk& w, Node& node) {
  const int64_t size = TRY(w.bound((*w.was(node.output(0)))[0]));
  const Emit e = w.at(node);
  Value* places = e.b.cast(e.count_to(e.integer(size)), node.output(0)->dtype());
  Value* steps = e.op("Mul", {places, node.input(2)});
  return w.put(node, 0, e.op("Add", {node.input(0), steps}));
}

// Elements keep their order in memory: those that count stay the first ones as long as what varies
// is outermost among the axes that are put together or taken apart.
Status reshape(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  if (!w.was(node.output(0))) return w.refuse(node, "the rank of its result is not known");
  const Shape from = *w.was(node.input(0)), to = *w.was(node.output(0));
  size_t first = 0, last_from = from.size(), last_to = to.size();
  while (first < last_from && first < last_to && from[first] == to[first]) ++first;
  while (last_from > first && last_to > first && from[last_from - 1] == to[last_to - 1])
    --last_from, --last_to;
  const auto outermost = [&](const Shape& shape, size_t last) {
    bool others = false;
    for (size_t i = first; i < last; ++i) {
      if (w.decided_by_data(shape[i]) && others) return false;
      others |= !shape[i].is(1);
    }
    return true;
  };
  if (!outermost(from, last_from) || !outermost(to, last_to))
    return w.refuse(node, fmt::format("{} becomes {}: rows that count would lie between others",
                                      to_string(from), to_string(to)));
  const Emit e = w.at(node);
  const Shape fixed = TRY(w.fixed(to));
  int64_t have = 1, want = 1;
  for (const Dim& dim : TRY(w.fixed(from))) have *= dim.constant().value_or(1);
  for (const Dim& dim : fixed) want *= dim.constant().value_or(1);
  if (have != want) return w.refuse(node, "its sizes have bounds that do not fit each other");
  const auto sizes = reshape_target(&*node.input(0)->shape(), fixed);
  if (!sizes) return w.refuse(node, "more than one size is not fixed");
  Value* x = node.input(0);
  Value* made = e.b.emit_with("Reshape", {{"allowzero", int64_t{0}}}, {x, e.b.ints(*sizes)});
  return w.put(node, 0, made);
}

// --- rows by their places

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

// --- along an axis

std::optional<double> neutral(const Node& node, DType dtype) {
  if (node.op == "ReduceProd") return 1;
  if (node.op == "ReduceMax" || node.op == "ReduceLogSumExp") return extreme(dtype, false);
  if (node.op == "ReduceMin") return extreme(dtype, true);
  if (node.op == "ReduceMean") return std::nullopt;
  return 0;  // sums
}

Status reduce(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  const Shape shape = *w.was(node.input(0));
  std::vector<int64_t> axes;
  if (node.input(1)) {
    const auto known = passes::ints(node.input(1));
    if (!known) return w.refuse(node, "its axes are computed");
    axes = *known;
  }
  if (axes.empty()) {
    for (size_t i = 0; i < shape.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  const Emit e = w.at(node);
  Value* x = node.input(0);
  Dim rows(1), places(1);
  for (const int64_t named : axes) {
    const size_t axis = TRY(ir::normalize_axis(named, shape.size()));
    if (!w.decided_by_data(shape[axis])) continue;
    rows = rows * shape[axis];
    places = places * Dim(TRY(w.bound(shape[axis])));
    x = w.filled_along(e, x, axis, neutral(node, x->dtype()).value_or(0));
  }
  if (node.op != "ReduceMean" || rows.is(1)) return keep_with(w, node, 0, x);
  // The mean over all places, times their number, over the number of those that count.
  std::vector<Value*> inputs{x};
  if (node.input(1)) inputs.push_back(node.input(1));
  Value* mean = e.b.emit_node("", node.op, node.attributes, inputs, 1)->output(0);
  Value* all = e.op("Mul", {mean, e.number(mean, static_cast<double>(*places.constant()))});
  return w.put(node, 0, e.op("Div", {all, e.b.cast(w.count(e, rows), mean->dtype())}));
}

template <class Op>
Status along(Walk& w, Node& node, double (*with)(const Node&, DType)) {
  const size_t axis = TRY(axis_of(w, node, node.as<Op>().axis));
  const Emit e = w.at(node);
  Value* x = node.input(0);
  return keep_with(w, node, 0, w.filled_along(e, x, axis, with(node, x->dtype())));
}

double lowest(const Node&, DType dtype) { return extreme(dtype, false); }
double highest(const Node&, DType dtype) { return extreme(dtype, true); }

Status arg_max(Walk& w, Node& node) {
  if (node.as<ops::ArgMax>().select_last_index)
    return w.refuse(node, "it takes the last of equals");
  return along<ops::ArgMax>(w, node, &lowest);
}
Status arg_min(Walk& w, Node& node) {
  if (node.as<ops::ArgMin>().select_last_index)
    return w.refuse(node, "it takes the last of equals");
  return along<ops::ArgMin>(w, node, &highest);
}
Status softmax(Walk& w, Node& node) { return along<ops::Softmax>(w, node, &lowest); }
Status log_softmax(Walk& w, Node& node) { return along<ops::LogSoftmax>(w, node, &lowest); }

Status cumsum(Walk& w, Node& node) {
  const auto axis = passes::ints(node.input(1));
  if (!axis) return w.refuse(node, "its axis is computed");
  const size_t along_axis = TRY(axis_of(w, node, axis->front()));
  if (node.as<ops::CumSum>().reverse && w.varies(node.input(0), along_axis)) {
    const Emit e = w.at(node);
    return keep_with(w, node, 0, w.filled_along(e, node.input(0), along_axis, 0));
  }
  return w.keep(node);
}

Status topk(Walk& w, Node& node) {
  const auto op = node.as<ops::TopK>();
  const size_t axis = TRY(axis_of(w, node, op.axis));
  const int64_t size = TRY(w.bound((*w.was(node.output(0)))[axis]));
  const Emit e = w.at(node);
  Value* x = node.input(0);
  Value* filled = w.filled_along(e, x, axis, extreme(x->dtype(), !op.largest));
  TRY(w.done());
  set_if_new(node, 0, filled);
  return keep_with(w, node, 1, e.b.ints({size}));
}

// --- products

Status matmul(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  TRY(need_rank(w, node, 1));
  const Emit e = w.at(node);
  const Shape a = *w.was(node.input(0)), b = *w.was(node.input(1));
  Value *x = node.input(0), *y = node.input(1);
  const size_t inner = b.size() < 2 ? 0 : b.size() - 2;
  if (w.decided_by_data(a.back()) || w.decided_by_data(b[inner])) {
    // Both, since a number times what is no number is none either.
    x = w.filled_along(e, x, a.size() - 1, 0);
    y = w.filled_along(e, y, inner, 0);
    const int64_t size = TRY(w.bound(a.back()));
    y = w.fit(e, y, inner, TRY(w.bound(b[inner])), size);
  }
  TRY(w.done());
  set_if_new(node, 0, x);
  return keep_with(w, node, 1, y);
}

// Normalisation over the last axes, which must not vary.
Status last_axes(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  if (w.decided_by_data(w.was(node.input(0))->back()))
    return w.refuse(node, "what it normalises over varies");
  return w.keep(node);
}

// --- what makes sizes

Status nonzero(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  const Shape shape = *w.was(node.input(0));
  const int64_t size = TRY(w.bound((*w.was(node.output(0)))[1]));
  const Emit e = w.at(node);
  Value* mask = e.b.cast(node.input(0), DType::boolean);
  if (Value* counts = w.counting_elements(e, node.input(0))) mask = e.op("And", {mask, counts});
  const Shape fixed = TRY(w.fixed(shape));
  if (shape.size() != 1) mask = e.op("Reshape", {mask, e.b.ints({-1})});
  const Prefix found = true_places(e, mask, size);
  w.define(node.output(0), 1, found.count);
  if (shape.size() == 1) return w.put(node, 0, e.unsqueeze(found.value, 0));
  // A place in the whole becomes one along each axis.
  std::vector<Value*> places;
  Value* rest = found.value;
  for (size_t axis = shape.size(); axis-- > 0;) {
    const auto constant = fixed[axis].constant();
    Value* rows = constant ? e.integer(std::max<int64_t>(*constant, 1)) : w.count(e, fixed[axis]);
    Value* over = e.op("Div", {rest, rows});
    Value* place = axis == 0 ? rest : e.op("Sub", {rest, e.op("Mul", {over, rows})});
    places.insert(places.begin(), e.unsqueeze(place, 0));
    rest = over;
  }
  if (places.empty()) return w.refuse(node, "its input is a scalar");
  return w.put(node, 0, e.b.emit(ops::Concat{.axis = 0}, places));
}

Status unique(Walk& w, Node& node) {
  const auto op = node.as<ops::Unique>();
  TRY(need_rank(w, node, 0));
  if (op.axis || w.was(node.input(0))->size() != 1) return w.refuse(node, "it is not of a vector");
  if (!op.sorted) return w.refuse(node, "it keeps the order in which values appear");
  const Dim rows = w.was(node.input(0))->front();
  const int64_t size = TRY(w.bound(rows));
  const Emit e = w.at(node);
  if (size == 0) return w.refuse(node, "its input is empty");
  const Distinct all = distinct(e, node.input(0), w.count(e, rows), size);
  w.define(node.output(0), 0, all.count);
  for (size_t i = 0; i < node.outputs().size(); ++i)
    TRY(w.put(node, i, std::array{all.values, all.first, all.inverse, all.repeats}.at(i)));
  return {};
}

Status non_max_suppression(Walk& w, Node& node) {
  TRY(need_rank(w, node, 0));
  TRY(need_rank(w, node, 1));
  const Shape boxes = *w.was(node.input(0)), scores = *w.was(node.input(1));
  const auto fixed = ir::constant_dims(TRY(w.fixed(scores)));
  if (!fixed || w.decided_by_data(scores[0]) || w.decided_by_data(scores[1]))
    return w.refuse(node, "the number of its images, classes or boxes is not fixed");
  const auto asked = node.input(2) ? passes::ints(node.input(2)) : std::vector<int64_t>{0};
  if (!asked || asked->size() != 1)
    return w.refuse(node, "how many boxes it keeps at most is computed");
  const int64_t all = (*fixed)[2], most = std::clamp<int64_t>(asked->front(), 0, all);
  if (most == 0) return w.refuse(node, "it keeps no boxes");
  const Emit e = w.at(node);
  Value *x = node.input(0), *s = node.input(1);
  Value* eligible = w.decided_by_data(scores[2]) ? counting(e, w.count(e, scores[2]), all)
                                                 : e.b.scalar(1, DType::boolean);
  const auto as_scalar = [&](Value* v) {
    return v->rank() == 0 ? v : e.op("Reshape", {v, e.b.ints(std::initializer_list<int64_t>{})});
  };
  if (node.input(4))
    eligible = e.op("And", {eligible, e.op("Greater", {s, as_scalar(node.input(4))})});
  Value* threshold = node.input(3) ? as_scalar(node.input(3)) : e.number(s, 0);
  const bool centred = node.as<ops::NonMaxSuppression>().center_point_box == 1;
  if (w.decided_by_data(boxes[1])) x = w.fit(e, x, 1, TRY(w.bound(boxes[1])), all);
  TRY(w.done());
  const Prefix kept = TRY(suppressed(e, &node, x, s, eligible, threshold, centred, most));
  w.limit(node.output(0), 0, (*fixed)[0] * (*fixed)[1] * most);
  w.define(node.output(0), 0, kept.count);
  return w.put(node, 0, kept.value);
}

Status compress(Walk& w, Node& node) {
  const Emit e = w.at(node);
  TRY(need_rank(w, node, 0));
  const auto* attribute = node.attributes.find("axis");
  if (attribute == nullptr) return w.refuse(node, "it is of the flattened input");
  const size_t axis = TRY(axis_of(w, node, std::get<int64_t>(*attribute)));
  Value* mask = node.input(1);
  if (Value* counts = w.counting_elements(e, mask)) mask = e.op("And", {mask, counts});
  const Prefix found = true_places(e, mask, TRY(w.bound((*w.was(node.output(0)))[axis])));
  w.define(node.output(0), axis, found.count);
  return w.put(
      node, 0,
      e.b.emit(ops::Gather{.axis = static_cast<int64_t>(axis)}, {node.input(0), found.value}));
}

Status roi_align(Walk& w, Node& node) {
  if (w.varies(node.input(0))) return w.refuse(node, "the size of its image depends on the data");
  const Emit e = w.at(node);
  return keep_with(w, node, 2, usable(w, e, node.input(2), nullptr, false));
}

struct Row {
  std::string_view op;
  BoundedRule rule;
};

constexpr Row kRules[] = {
    {"Abs", elementwise},
    {"Acos", elementwise},
    {"Acosh", elementwise},
    {"Add", elementwise},
    {"And", elementwise},
    {"Asin", elementwise},
    {"Asinh", elementwise},
    {"Atan", elementwise},
    {"Atanh", elementwise},
    {"BitShift", elementwise},
    {"BitwiseAnd", elementwise},
    {"BitwiseNot", elementwise},
    {"BitwiseOr", elementwise},
    {"BitwiseXor", elementwise},
    {"Cast", elementwise},
    {"Ceil", elementwise},
    {"Celu", elementwise},
    {"Clip", elementwise},
    {"Cos", elementwise},
    {"Cosh", elementwise},
    {"Div", elementwise},
    {"Elu", elementwise},
    {"Equal", elementwise},
    {"Erf", elementwise},
    {"Exp", elementwise},
    {"Floor", elementwise},
    {"Gelu", elementwise},
    {"Greater", elementwise},
    {"GreaterOrEqual", elementwise},
    {"HardSigmoid", elementwise},
    {"HardSwish", elementwise},
    {"Identity", elementwise},
    {"IsInf", elementwise},
    {"IsNaN", elementwise},
    {"LeakyRelu", elementwise},
    {"Less", elementwise},
    {"LessOrEqual", elementwise},
    {"Log", elementwise},
    {"Max", elementwise},
    {"Mean", elementwise},
    {"Min", elementwise},
    {"Mish", elementwise},
    {"Mod", elementwise},
    {"Mul", elementwise},
    {"Neg", elementwise},
    {"Not", elementwise},
    {"Or", elementwise},
    {"PRelu", elementwise},
    {"Pow", elementwise},
    {"Reciprocal", elementwise},
    {"Relu", elementwise},
    {"Round", elementwise},
    {"Selu", elementwise},
    {"Sigmoid", elementwise},
    {"Sign", elementwise},
    {"Sin", elementwise},
    {"Sinh", elementwise},
    {"Softplus", elementwise},
    {"Softsign", elementwise},
    {"Sqrt", elementwise},
    {"Sub", elementwise},
    {"Sum", elementwise},
    {"Swish", elementwise},
    {"Tan", elementwise},
    {"Tanh", elementwise},
    {"ThresholdedRelu", elementwise},
    {"Where", elementwise},
    {"Xor", elementwise},

    {"Squeeze", unchanged},
    {"Transpose", unchanged},
    {"Unsqueeze", unchanged},

    {"AveragePool", batched},
    {"BatchNormalization", batched},
    {"Conv", batched},
    {"ConvTranspose", batched},
    {"Gemm", gemm},
    {"GlobalAveragePool", batched},
    {"GlobalMaxPool", batched},
    {"GroupNormalization", batched},
    {"InstanceNormalization", batched},
    {"MaxPool", batched},
    {"Pad", pad},
    {"Resize", resize},

    {"ConstantOfShape", expand},
    {"Expand", expand},
    {"Flatten", reshape},
    {"Range", range},
    {"Reshape", reshape},
    {"Shape", size_of},
    {"Size", size_of},

    {"Concat", concat},
    {"Gather", gather},
    {"GatherElements", gather},
    {"GatherND", gather_nd},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"Slice", slice},
    {"Split", split},

    {"ArgMax", arg_max},
    {"ArgMin", arg_min},
    {"CumSum", cumsum},
    {"LogSoftmax", log_softmax},
    {"ReduceL1", reduce},
    {"ReduceL2", reduce},
    {"ReduceLogSum", reduce},
    {"ReduceLogSumExp", reduce},
    {"ReduceMax", reduce},
    {"ReduceMean", reduce},
    {"ReduceMin", reduce},
    {"ReduceProd", reduce},
    {"ReduceSum", reduce},
    {"ReduceSumSquare", reduce},
    {"Softmax", softmax},
    {"TopK", topk},

    {"LayerNormalization", last_axes},
    {"MatMul", matmul},
    {"RMSNormalization", last_axes},

    {"Compress", compress},
    {"NonMaxSuppression", non_max_suppression},
    {"NonZero", nonzero},
    {"RoiAlign", roi_align},
    {"Unique", unique},
};

}  // namespace

BoundedRule bounded_rule(const Node& node) {
  if (!node.domain.empty()) return nullptr;
  const auto found = std::ranges::find(kRules, node.op, &Row::op);
  return found == std::end(kRules) ? nullptr : found->rule;
}

}  // namespace tenon::passes
