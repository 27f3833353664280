#include "ops/cumsum/cumsum.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class C>
void cumulate(RefContext& c, const CumSum& op, size_t axis) {
  const Dims& dims = c.input(0).shape();
  std::vector<C> v = elements<C>(c.input(0));
  const int64_t n = dims[axis], inner = extent(dims, axis + 1, dims.size());
  const int64_t rows = n == 0 ? 0 : static_cast<int64_t>(v.size()) / n;
  for (int64_t row = 0; row < rows; ++row) {
    C* first = v.data() + row / inner * n * inner + row % inner;
    C sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      C& to = first[(op.reverse ? n - 1 - i : i) * inner];
      const C value = to;
      if (op.exclusive) to = sum;
      sum += value;
      if (!op.exclusive) to = sum;
    }
  }
  c.outputs[0] = from_elements<C>(c.input(0).dtype(), dims, v);
}

Status run_cumsum(RefContext& c) {
  TRY(need_computable(c));
  const auto axes = TRY(integer_input(c, 1));
  if (axes.size() != 1) return c.fail("the axis is not one number");
  const size_t axis = TRY(axis_at(c, axes[0], c.input(0).shape().size()));
  if (is_integral(c.input(0).dtype()))
    cumulate<uint64_t>(c, c.as<CumSum>(), axis);
  else
    cumulate<double>(c, c.as<CumSum>(), axis);
  return {};
}

}  // namespace

std::span<const RefKernel> cumsum_ref() {
  static constexpr RefKernel kernels[] = {kernel<CumSum>(run_cumsum)};
  return kernels;
}

}  // namespace tenon::ops
