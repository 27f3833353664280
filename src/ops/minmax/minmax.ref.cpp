#include "ops/minmax/minmax.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// All inputs broadcast together and folded with f; `mean` divides by their number.
template <class C, class F>
Status fold_inputs(RefContext& c, F&& f, bool mean = false) {
  TRY(need_computable(c));
  Dims dims = c.input(0).shape();
  for (const Tensor* input : c.inputs) dims = TRY(broadcast_dims(c, dims, input->shape()));
  TRY(check_size(c, c.input(0).dtype(), dims));
  std::vector<C> all(static_cast<size_t>(element_count(dims)));
  for (size_t n = 0; n < c.inputs.size(); ++n) {
    const std::vector<C> values = elements<C>(c.input(n));
    for_broadcast<1>(dims, {broadcast_strides(c.input(n).shape(), dims)},
                     [&](int64_t i, const std::array<int64_t, 1>& at) {
                       C& to = all[static_cast<size_t>(i)];
                       const C v = values[static_cast<size_t>(at[0])];
                       to = n == 0 ? v : f(to, v);
                     });
  }
  if (mean) {
    for (C& v : all) v /= static_cast<C>(c.inputs.size());
  }
  c.outputs[0] = from_elements<C>(c.input(0).dtype(), dims, all);
  return {};
}

template <class F>
Status fold_numbers(RefContext& c, F&& f) {
  const DType dtype = c.input(0).dtype();
  if (dtype == DType::u64) return fold_inputs<uint64_t>(c, f);
  return is_integral(dtype) ? fold_inputs<int64_t>(c, f) : fold_inputs<double>(c, f);
}

// NaN in any input makes the result NaN.
Status run_min(RefContext& c) {
  return fold_numbers(c, [](auto a, auto b) { return a != a ? a : b != b || b < a ? b : a; });
}
Status run_max(RefContext& c) {
  return fold_numbers(c, [](auto a, auto b) { return a != a ? a : b != b || b > a ? b : a; });
}
Status run_sum(RefContext& c) {
  return fold_inputs<double>(c, [](double a, double b) { return a + b; });
}
Status run_mean(RefContext& c) {
  return fold_inputs<double>(c, [](double a, double b) { return a + b; }, true);
}

}  // namespace

std::span<const RefKernel> minmax_ref() {
  static constexpr RefKernel kernels[] = {kernel<Min>(run_min), kernel<Max>(run_max),
                                          kernel<Sum>(run_sum), kernel<Mean>(run_mean)};
  return kernels;
}

}  // namespace tenon::ops
