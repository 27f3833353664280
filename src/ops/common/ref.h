// What the reference kernels share: elements of any type as double or int64, shapes, strides.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "ir/integers.h"
#include "ir/ref_kernel.h"

namespace tenon::ops {

using ir::RefContext;
using ir::RefKernel;

template <class Op>
constexpr RefKernel kernel(Status (*run)(RefContext&)) {
  return {.name = Op::kName, .run = run};
}

// --- elements
// Types that the kernels compute with: floats up to f64, integers from 8 to 64 bits, boolean.
bool is_computable(DType dtype);
// All elements, converted; C is double, float, int64_t or uint64_t. The type must be computable.
template <class C>
std::vector<C> elements(const Tensor& tensor);
// A tensor of these elements: floats are rounded to nearest even, integers wrap, boolean is != 0.
template <class C>
Tensor from_elements(DType dtype, Dims shape, std::span<const C> values);
Status need_computable(const RefContext& context);

// --- allocation: refuses sizes that no real model has
inline constexpr int64_t kMaxTensorBytes = int64_t{1} << 34;
Status check_size(const RefContext& context, DType dtype, std::span<const int64_t> shape);
Result<Tensor> allocate(const RefContext& context, DType dtype, Dims shape);

// --- shapes
Dims strides_of(std::span<const int64_t> dims);  // in elements, C-contiguous
Result<Dims> broadcast_dims(const RefContext& context, std::span<const int64_t> a,
                            std::span<const int64_t> b);
// Strides that read a tensor of shape `dims` as if it had shape `out`: 0 along repeated axes.
Dims broadcast_strides(std::span<const int64_t> dims, std::span<const int64_t> out);
// Offsets of all elements of a `dims`-shaped view with these strides, in order.
std::vector<int64_t> offsets(std::span<const int64_t> dims, std::span<const int64_t> strides);
Result<size_t> axis_at(const RefContext& context, int64_t axis, size_t rank);
// Product of dims[from, to).
int64_t extent(std::span<const int64_t> dims, size_t from, size_t to);
// Input i as int64 elements; fails where it is not of integers.
Result<std::vector<int64_t>> integer_input(const RefContext& context, size_t i);

// Copies the elements at `offset` + the view's offsets into a new tensor of shape `dims`.
Result<Tensor> strided_copy(const RefContext& context, const Tensor& from, Dims dims,
                            std::span<const int64_t> strides, int64_t offset = 0);
// Bytes of one element; fails for packed types.
Result<size_t> element_size(const RefContext& context, DType dtype);

// Calls f(out, offset_0, offset_1, ...) over a broadcast of N inputs.
template <size_t N, class F>
void for_broadcast(std::span<const int64_t> out, const std::array<Dims, N>& strides, F&& f) {
  const int64_t count = element_count(out);
  const size_t rank = out.size();
  std::array<int64_t, N> at{};
  Dims index(rank, 0);
  for (int64_t i = 0; i < count; ++i) {
    f(i, at);
    for (size_t d = rank; d-- > 0;) {
      for (size_t n = 0; n < N; ++n) at[n] += strides[n][d];
      if (++index[d] < out[d]) break;
      index[d] = 0;
      for (size_t n = 0; n < N; ++n) at[n] -= strides[n][d] * out[d];
    }
  }
}

// One input, one output of the same shape and (unless said) type, element by element.
template <class C, class F>
Status map_elements(RefContext& context, F&& f, DType out = DType::undefined) {
  TRY(need_computable(context));
  const Tensor& x = context.input(0);
  std::vector<C> values = elements<C>(x);
  for (C& v : values) v = static_cast<C>(f(v));
  context.outputs[0] =
      from_elements<C>(out == DType::undefined ? x.dtype() : out, x.shape(), values);
  return {};
}

// Two inputs, broadcast.
template <class C, class F>
Status map_broadcast(RefContext& context, DType out, F&& f) {
  TRY(need_computable(context));
  const Tensor &a = context.input(0), &b = context.input(1);
  const Dims dims = TRY(broadcast_dims(context, a.shape(), b.shape()));
  TRY(check_size(context, out, dims));
  const std::vector<C> x = elements<C>(a), y = elements<C>(b);
  std::vector<C> z(static_cast<size_t>(element_count(dims)));
  if (a.shape() == b.shape()) {
    for (size_t i = 0; i < z.size(); ++i) z[i] = static_cast<C>(f(x[i], y[i]));
  } else {
    for_broadcast<2>(dims, {broadcast_strides(a.shape(), dims), broadcast_strides(b.shape(), dims)},
                     [&](int64_t i, const std::array<int64_t, 2>& at) {
                       z[static_cast<size_t>(i)] = static_cast<C>(
                           f(x[static_cast<size_t>(at[0])], y[static_cast<size_t>(at[1])]));
                     });
  }
  context.outputs[0] = from_elements<C>(out, dims, z);
  return {};
}

}  // namespace tenon::ops
