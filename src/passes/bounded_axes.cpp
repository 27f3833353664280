#include <limits>

#include "ops/arg_reduce/arg_reduce.h"
#include "ops/cumsum/cumsum.h"
#include "ops/softmax/softmax.h"
#include "ops/topk/topk.h"
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

constexpr BoundedRow kRules[] = {
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
};

}  // namespace

std::span<const BoundedRow> rules_along_axes() { return kRules; }

}  // namespace tenon::passes
