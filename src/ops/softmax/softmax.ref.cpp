#include "ops/softmax/softmax.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class Op>
Status run_softmax(RefContext& c) {
  TRY(need_computable(c));
  const Tensor& x = c.input(0);
  if (x.shape().empty()) return c.fail("the input is a scalar");
  const size_t axis = TRY(axis_at(c, c.as<Op>().axis, x.shape().size()));
  const int64_t n = x.shape()[axis], inner = extent(x.shape(), axis + 1, x.shape().size());
  std::vector<double> v = elements<double>(x);
  const int64_t rows = n == 0 ? 0 : static_cast<int64_t>(v.size()) / n;
  for (int64_t row = 0; row < rows; ++row) {
    double* first = v.data() + row / inner * n * inner + row % inner;
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; ++i) largest = std::max(largest, first[i * inner]);
    for (int64_t i = 0; i < n; ++i) sum += std::exp(first[i * inner] - largest);
    for (int64_t i = 0; i < n; ++i) {
      double& to = first[i * inner];
      if constexpr (std::is_same_v<Op, Softmax>)
        to = std::exp(to - largest) / sum;
      else
        to = to - largest - std::log(sum);
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), x.shape(), v);
  return {};
}

}  // namespace

std::span<const RefKernel> softmax_ref() {
  static constexpr RefKernel kernels[] = {kernel<Softmax>(run_softmax<Softmax>),
                                          kernel<LogSoftmax>(run_softmax<LogSoftmax>)};
  return kernels;
}

}  // namespace tenon::ops
