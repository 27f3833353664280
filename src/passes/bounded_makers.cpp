#include <algorithm>
#include <array>

#include "ops/concat/concat.h"
#include "ops/non_max_suppression/non_max_suppression.h"
#include "ops/unique/unique.h"
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

constexpr BoundedRow kRules[] = {
    {"Compress", compress},
    {"NonMaxSuppression", non_max_suppression},
    {"NonZero", nonzero},
    {"Unique", unique},
};

}  // namespace

std::span<const BoundedRow> rules_of_makers() { return kRules; }

}  // namespace tenon::passes
