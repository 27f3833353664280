#include <algorithm>

#include "ops/concat/concat.h"
#include "ops/gemm/gemm.h"
#include "ops/resize/resize.h"
#include "passes/bounded_rules.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

using ir::Dim;
using ir::Node;
using ir::Shape;
using ir::Value;
using ops::Emit;
using Walk = BoundedWalk;

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

constexpr BoundedRow kRules[] = {
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
};

}  // namespace

Status elementwise(BoundedWalk& w, ir::Node& node) {
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

std::span<const BoundedRow> rules_of_elements() { return kRules; }

}  // namespace tenon::passes
