// What composing linear algebra from ONNX's operators shares: steps over the columns of a matrix,
// which are written out for small matrices and a Loop otherwise.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "onnx/mapping.h"
#include "ops/gather/gather.h"
#include "ops/gather_elements/gather_elements.h"
#include "ops/range/range.h"
#include "ops/shape/shape.h"

namespace tenon::ops::onnx_matrix {

using onnx::Values;
using V = ir::Value;

// Up to so many steps are written out: a step is 10 to 25 nodes.
inline constexpr int64_t kWrittenOut = 4;

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
    if (!m->constant || !n->constant) return op("Min", {m, n});
    return integer(
        std::min(m->constant->values<int64_t>()[0], n->constant->values<int64_t>()[0]));
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
  V* diagonal(V* rows, V* columns) const {
    return op("Equal", {as_column(rows), as_row(columns)});
  }
};

// What a step makes of the carried values; `j` is its number, a 0-d integer.
using Step = std::function<Values(const Emit&, V* j, const Values& carried)>;

// Runs the steps 0 .. count - 1.
inline Result<Values> repeat(onnx::ExportContext& c, V* count, Values carried, const Step& step) {
  const Emit outside{c.b};
  if (count->constant && count->constant->values<int64_t>()[0] <= kWrittenOut) {
    for (int64_t j = 0; j < count->constant->values<int64_t>()[0]; ++j)
      carried = step(outside, outside.integer(j), carried);
    TRY(c.b.status());
    return carried;
  }
  Values inputs{count, c.b.scalar(1, DType::boolean)};
  inputs.insert(inputs.end(), carried.begin(), carried.end());
  TRY(c.b.status());
  ir::Node* node =
      c.graph.add_node("", "Loop", {}, inputs, carried.size(), c.b.origin(), c.node);
  ir::Graph* body = c.graph.add_subgraph(node, "body");
  V* number = body->add_input("iteration", ir::Type::tensor(DType::i64, ir::Shape{}));
  V* go = body->add_input("condition", ir::Type::tensor(DType::boolean, ir::Shape{}));
  Values inside;
  for (const V* one : carried) inside.push_back(body->add_input("carried", one->type));
  ir::Builder builder(*body, c.b.ops());
  builder.set_origin(c.b.origin());
  inside = step(Emit{builder}, number, inside);
  TRY(builder.status());
  body->add_output(builder.emit_named("Identity", {go}));
  for (V* one : inside) body->add_output(one);
  TRY(ir::infer(*node, c.b.ops()));
  return Values(node->outputs().begin(), node->outputs().end());
}

// The row swap of partial pivoting: which row holds the largest element of column j at or below row
// j (as [.., 1]), and the matrix with it in place j.
struct Pivoted {
  V *place, *matrix;
};
inline Pivoted bring_pivot(const Emit& e, V* matrix, V* rows, V* j) {
  V* magnitude = e.op("Abs", {e.column(matrix, j)});
  V* eligible = e.where(e.less(rows, j), e.number(matrix, -1), magnitude);
  V* place = e.b.emit_with(
      "ArgMax",
      {{"axis", int64_t{-1}}, {"keepdims", int64_t{1}}, {"select_last_index", int64_t{0}}},
      {eligible});
  V* order = e.where(e.equal(rows, j), place, e.where(e.op("Equal", {rows, place}), j, rows));
  V* indices = e.op("Expand", {e.as_column(order), e.b.emit(ops::Shape{}, {matrix})});
  return {place, e.b.emit(GatherElements{.axis = -2}, {matrix, indices})};
}

// Notes the first step at which something failed: info stays what it is once it is not 0.
inline V* note_failure(const Emit& e, V* info, V* failed, V* j) {
  V* first = e.op("And", {failed, e.op("Equal", {info, e.integer(0)})});
  return e.where(first, e.op("Add", {j, e.integer(1)}), info);
}

// Whether the matrices' rank is known, which all of this needs.
inline Status need_known_rank(const onnx::ExportContext& c) {
  if (c.input(0)->shape()) return {};
  return c.fail("the rank of its input is not known");
}

}  // namespace tenon::ops::onnx_matrix
