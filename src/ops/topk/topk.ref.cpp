#include "ops/topk/topk.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// Equal elements keep their order; NaN counts as the largest.
template <class C>
Status topk_as(RefContext& c, const TopK& op) {
  const Dims& dims = c.input(0).shape();
  const size_t axis = TRY(axis_at(c, op.axis, dims.size()));
  const auto wanted = TRY(integer_input(c, 1));
  const int64_t n = dims[axis], inner = extent(dims, axis + 1, dims.size());
  if (wanted.size() != 1 || wanted[0] < 0 || wanted[0] > n)
    return c.fail("K is not between 0 and the size of the axis");
  const int64_t k = wanted[0];
  const std::vector<C> v = elements<C>(c.input(0));
  Dims out_dims = dims;
  out_dims[axis] = k;
  std::vector<C> values(static_cast<size_t>(element_count(out_dims)));
  std::vector<int64_t> indices(values.size()), order(static_cast<size_t>(n));
  auto less = [](C a, C b) { return a == a && (b != b || a < b); };
  const int64_t rows = n == 0 ? 0 : static_cast<int64_t>(v.size()) / n;
  for (int64_t row = 0; row < rows; ++row) {
    const C* first = v.data() + row / inner * n * inner + row % inner;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const C x = first[a * inner], y = first[b * inner];
      return op.largest ? less(y, x) : less(x, y);
    });
    for (int64_t i = 0; i < k; ++i) {
      const auto to = static_cast<size_t>(row / inner * k * inner + i * inner + row % inner);
      indices[to] = order[static_cast<size_t>(i)];
      values[to] = first[order[static_cast<size_t>(i)] * inner];
    }
  }
  c.outputs[0] = from_elements<C>(c.input(0).dtype(), out_dims, values);
  if (c.outputs.size() > 1) c.outputs[1] = from_elements<int64_t>(DType::i64, out_dims, indices);
  return {};
}

Status run_topk(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<TopK>();
  if (is_floating(c.input(0).dtype())) return topk_as<double>(c, op);
  return c.input(0).dtype() == DType::u64 ? topk_as<uint64_t>(c, op) : topk_as<int64_t>(c, op);
}

}  // namespace

std::span<const RefKernel> topk_ref() {
  static constexpr RefKernel kernels[] = {kernel<TopK>(run_topk)};
  return kernels;
}

}  // namespace tenon::ops
