#include "ops/arg_reduce/arg_reduce.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class C, class Op>
Status arg_reduce_as(RefContext& c, const Op& op) {
  const Dims& dims = c.input(0).shape();
  const size_t axis = TRY(axis_at(c, op.axis, dims.size()));
  const std::vector<C> v = elements<C>(c.input(0));
  const int64_t n = dims[axis], inner = extent(dims, axis + 1, dims.size());
  if (n == 0) return c.fail("the axis is empty");
  std::vector<int64_t> out;
  for (int64_t row = 0; row < static_cast<int64_t>(v.size()) / n; ++row) {
    const C* first = v.data() + row / inner * n * inner + row % inner;
    int64_t best = 0;
    for (int64_t i = 1; i < n; ++i) {
      const C a = first[i * inner], b = first[best * inner];
      const bool better = std::is_same_v<Op, ArgMax> ? a > b : a < b;
      if (better || (op.select_last_index && a == b)) best = i;
    }
    out.push_back(best);
  }
  Dims reduced = dims;
  reduced[axis] = 1;
  if (!op.keepdims) reduced.erase(reduced.begin() + static_cast<ptrdiff_t>(axis));
  c.outputs[0] = from_elements<int64_t>(DType::i64, reduced, out);
  return {};
}

template <class Op>
Status run_arg_reduce(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Op>();
  if (is_floating(c.input(0).dtype())) return arg_reduce_as<double>(c, op);
  return c.input(0).dtype() == DType::u64 ? arg_reduce_as<uint64_t>(c, op)
                                          : arg_reduce_as<int64_t>(c, op);
}

}  // namespace

std::span<const RefKernel> arg_reduce_ref() {
  static constexpr RefKernel kernels[] = {kernel<ArgMax>(run_arg_reduce<ArgMax>),
                                          kernel<ArgMin>(run_arg_reduce<ArgMin>)};
  return kernels;
}

}  // namespace tenon::ops
