#include "ops/softmax/softmax.h"

#include <algorithm>

#include "onnx/mapping.h"
#include "ops/flatten/flatten.h"
#include "ops/reshape/reshape.h"
#include "ops/shape/shape.h"
#include "ops/transpose/transpose.h"

namespace tenon::ops {
namespace {

// Until opset 12 the input counts as a matrix: the axes before `axis`, and those from it on, over
// all of which the softmax goes.
template <class Op>
Result<onnx::Values> read_softmax(onnx::ImportContext& c) {
  if (c.opset >= 13) return c.emit<Op>();
  const int64_t axis = c.take<int64_t>("axis").value_or(1);
  ir::Value* x = c.input(0);
  if (axis == -1 || (x->rank() && axis == static_cast<int64_t>(*x->rank()) - 1))
    return onnx::Values{c.b.emit(Op{}, {x})};
  ir::Value* matrix = c.b.emit(Flatten{.axis = axis}, {x});
  ir::Value* shape = x->rank() ? c.b.shape(*x->shape()) : c.b.emit(ops::Shape{}, {x});
  return onnx::Values{c.b.emit(Reshape{}, {c.b.emit(Op{}, {matrix}), shape})};
}

// Both meanings agree over the last axis.
template <class Op>
Status write_softmax(onnx::ExportContext& c) {
  const int64_t axis = c.as<Op>().axis;
  if (c.opset >= 13 || axis == -1) return {};
  if (!c.input(0)->rank())
    return c.fail("the rank of its input is not known, which opset 13 does not need", 13);
  const size_t rank = *c.input(0)->rank();
  const size_t from = TRY(ir::normalize_axis(axis, std::max<size_t>(rank, 1)));
  if (from + 1 >= rank) {
    c.set_attribute("axis", static_cast<int64_t>(from));
    return {};
  }
  std::vector<int64_t> perm(rank);
  for (size_t i = 0; i < rank; ++i) perm[i] = static_cast<int64_t>(i);
  std::swap(perm[from], perm[rank - 1]);
  ir::Value* last = c.b.emit(Transpose{.perm = perm}, {c.input(0)});
  ir::Value* done = c.b.emit(Op{}, {last});
  return c.replace({c.b.emit(Transpose{.perm = perm}, {done})});
}

}  // namespace

std::span<const onnx::Mapping> softmax_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<Softmax>({.read = read_softmax<Softmax>, .write = write_softmax<Softmax>}),
      onnx::plain<LogSoftmax>(
          {.read = read_softmax<LogSoftmax>, .write = write_softmax<LogSoftmax>}),
  };
  return rows;
}

}  // namespace tenon::ops
