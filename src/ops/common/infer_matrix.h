// What the inference functions of linear algebra share: stacks of matrices.
#pragma once

#include "ops/common/infer.h"

namespace tenon::ops {

// A tensor [batch.., rows, columns].
struct MatrixSizes {
  Sizes batch;
  Dim rows, columns;
  // The batch's sizes and those after it.
  Sizes with(std::initializer_list<Dim> last) const {
    Sizes out = batch;
    out.insert(out.end(), last);
    return out;
  }
};

// Input i as a stack of matrices of f32 or f64; nullopt where its rank is not known.
inline Result<std::optional<MatrixSizes>> matrix_input(const InferContext& context, size_t i) {
  const DType type = context.dtype(i);
  if (type != DType::f32 && type != DType::f64 && type != DType::undefined)
    return context.fail(fmt::format("input {} is of type {}, not f32 or f64", i, name(type)));
  TRY(need_rank(context, i, 2));
  const Sizes* shape = context.shape(i);
  if (shape == nullptr) return std::nullopt;
  return MatrixSizes{Sizes(shape->begin(), shape->end() - 2), (*shape)[shape->size() - 2],
                     shape->back()};
}
inline Result<std::optional<MatrixSizes>> square_input(const InferContext& context, size_t i) {
  auto out = TRY(matrix_input(context, i));
  if (out) TRY(need_equal(context, out->rows, out->columns, "the matrices are not square"));
  return out;
}

// Sets an output's type, with a shape where the input's is known.
inline void set_matrix(InferContext& context, size_t output, DType dtype,
                       const std::optional<MatrixSizes>& from, std::initializer_list<Dim> last) {
  if (output < context.output_count())
    context.set(output, dtype, from ? std::optional(from->with(last)) : std::nullopt);
}
// The entry of an operator of linear algebra that ONNX does not have.
template <class Op>
constexpr ir::OpSpec matrix_spec(int inputs, Status (*infer)(InferContext&), int outputs = 1) {
  ir::OpSpec out = spec<Op>(inputs, inputs, infer, outputs, outputs);
  out.domain = Op::kDomain;
  return out;
}

}  // namespace tenon::ops
