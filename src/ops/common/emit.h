// Compositions of operators, written as the formulas that they are.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "ir/builder.h"
#include "ops/gather/gather.h"
#include "ops/range/range.h"
#include "ops/shape/shape.h"
#include "ops/transpose/transpose.h"

namespace tenon::ops {

using V = ir::Value;

// A builder with names for what is used all the time. Axes count from the end: -1 is columns.
struct Emit {
  ir::Builder& b;

  V* op(const char* name, std::initializer_list<V*> inputs) const {
    return b.emit_named(name, inputs);
  }
  V* number(V* like, double value) const { return b.scalar(value, like->dtype()); }
  V* integer(int64_t value) const { return b.scalar_int(value); }
  V* unsqueeze(V* x, int64_t axis) const { return op("Unsqueeze", {x, b.ints({axis})}); }
  V* squeeze(V* x, int64_t axis) const { return op("Squeeze", {x, b.ints({axis})}); }
  V* transposed(V* x) const {
    std::vector<int64_t> order(x->shape()->size());
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    return b.emit(Transpose{.perm = std::move(order)}, {x});
  }
  // The first `count` columns, or elements of vectors.
  V* first(V* x, V* count) const {
    return op("Slice", {x, b.ints({0}), as_vector(count), b.ints({-1}), b.ints({1})});
  }
  // A vector [.., n] as a column [.., n, 1] or a row [.., 1, n].
  V* as_column(V* x) const { return unsqueeze(x, -1); }
  V* as_row(V* x) const { return unsqueeze(x, -2); }
  // Column j [.., m] or row j [.., n] of a matrix, element j [.., 1] of a vector.
  V* column(V* x, V* j) const { return b.emit(Gather{.axis = -1}, {x, j}); }
  V* row(V* x, V* j) const { return b.emit(Gather{.axis = -2}, {x, j}); }
  V* element(V* x, V* j) const { return b.emit(Gather{.axis = -1}, {x, as_vector(j)}); }
  V* as_vector(V* j) const {
    return j->constant ? b.ints({j->constant->values<int64_t>()[0]}) : unsqueeze(j, 0);
  }
  V* where(V* condition, V* yes, V* no) const { return op("Where", {condition, yes, no}); }
  V* reduce(const char* name, V* x, int64_t axis, bool keep) const {
    return b.emit_with(name,
                       {{"keepdims", int64_t{keep ? 1 : 0}}, {"noop_with_empty_axes", int64_t{0}}},
                       {x, b.ints({axis})});
  }
  // A vector times a matrix: [.., m] x [.., m, n] -> [.., n].
  V* vector_matrix(V* v, V* x) const { return squeeze(op("MatMul", {as_row(v), x}), -2); }
  // [.., m] x [.., n] -> [.., m, n]
  V* outer(V* u, V* v) const { return op("Mul", {as_column(u), as_row(v)}); }

  // Size of an axis as a 0-d integer.
  V* size(V* x, int64_t axis) const {
    const ir::Shape& shape = *x->shape();
    const ir::Dim& dim = shape[shape.size() - static_cast<size_t>(-axis)];
    if (auto n = dim.constant()) return integer(*n);
    return b.emit(Gather{.axis = 0}, {b.emit(ops::Shape{}, {x}), integer(axis + rank(x))});
  }
  static int64_t rank(V* x) { return static_cast<int64_t>(x->shape()->size()); }
  V* smaller(V* m, V* n) const {
    if (!m->constant || !n->constant) return where(op("Less", {m, n}), m, n);
    return integer(std::min(m->constant->values<int64_t>()[0], n->constant->values<int64_t>()[0]));
  }
  // m - n
  V* minus(V* m, V* n) const {
    if (!m->constant || !n->constant) return op("Sub", {m, n});
    return integer(m->constant->values<int64_t>()[0] - n->constant->values<int64_t>()[0]);
  }
  // 0, 1, .. n - 1.
  V* count_to(V* n) const {
    if (!n->constant) return b.emit(Range{}, {integer(0), n, integer(1)});
    std::vector<int64_t> all(static_cast<size_t>(n->constant->values<int64_t>()[0]));
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    return b.ints(all);
  }
  // Compares integers; of constants, right away.
  V* compare(const char* name, V* x, V* j) const {
    if (!x->constant || !j->constant || x->rank() != 1) return op(name, {x, j});
    const int64_t with = j->constant->values<int64_t>()[0];
    const std::string_view which = name;
    Tensor out = Tensor::zeros(DType::boolean, x->constant->shape());
    const auto from = x->constant->values<int64_t>();
    for (size_t i = 0; i < from.size(); ++i) {
      const bool yes = which == "Equal"  ? from[i] == with
                       : which == "Less" ? from[i] < with
                                         : from[i] > with;
      out.mutable_bytes()[i] = std::byte{yes};
    }
    return b.constant(std::move(out));
  }
  V* equal(V* x, V* j) const { return compare("Equal", x, j); }
  V* less(V* x, V* j) const { return compare("Less", x, j); }
  V* greater(V* x, V* j) const { return compare("Greater", x, j); }

  // A tensor of one value with the batch of the matrices x and these sizes after it.
  V* filled(V* x, double value, DType dtype, std::initializer_list<V*> last) const {
    std::vector<V*> parts;
    const ir::Shape batch(x->shape()->begin(), x->shape()->end() - 2);
    if (auto dims = ir::constant_dims(batch)) {
      parts.push_back(b.ints(*dims));
    } else {
      V* shape = b.emit(ops::Shape{}, {x});
      parts.push_back(op("Slice", {shape, b.ints({0}), b.ints({-2}), b.ints({0}), b.ints({1})}));
    }
    for (V* n : last) parts.push_back(as_vector(n));
    V* sizes = b.emit_with("Concat", {{"axis", int64_t{0}}}, parts);
    return op("Expand", {b.scalar(value, dtype), sizes});
  }
  // The matrix with ones where row and column are equal, as a condition.
  V* diagonal(V* rows, V* columns) const { return op("Equal", {as_column(rows), as_row(columns)}); }
};

// What a step makes of the carried values; `j` is its number, a 0-d integer.
using Step = std::function<std::vector<V*>(const Emit&, V* j, const std::vector<V*>& carried)>;

// A Loop of the steps 0 .. count - 1, where `b` emits: before the node `before`, or at the end.
// With `go_on`, a condition, it is entered only where that is true, and the last value that a step
// gives says whether to go on.
inline Result<std::vector<V*>> loop(ir::Builder& b, ir::Node* before, V* count,
                                    const std::vector<V*>& carried, const Step& step,
                                    V* go_on = nullptr) {
  std::vector<V*> inputs{count, go_on ? go_on : b.scalar(1, DType::boolean)};
  inputs.insert(inputs.end(), carried.begin(), carried.end());
  TRY(b.status());
  ir::Node* node = b.graph().add_node("", "Loop", {}, inputs, carried.size(), b.origin(), before);
  ir::Graph* body = b.graph().add_subgraph(node, "body");
  V* number = body->add_input("iteration", ir::Type::tensor(DType::i64, ir::Shape{}));
  V* go = body->add_input("condition", ir::Type::tensor(DType::boolean, ir::Shape{}));
  std::vector<V*> inside;
  for (const V* one : carried) inside.push_back(body->add_input("carried", one->type));
  ir::Builder builder(*body, b.ops());
  builder.set_origin(b.origin());
  inside = step(Emit{builder}, number, inside);
  TRY(builder.status());
  if (go_on) {
    body->add_output(inside.back());
    inside.pop_back();
  } else {
    body->add_output(builder.emit_named("Identity", {go}));
  }
  for (V* one : inside) body->add_output(one);
  TRY(ir::infer(*node, b.ops()));
  return std::vector<V*>(node->outputs().begin(), node->outputs().end());
}

}  // namespace tenon::ops
