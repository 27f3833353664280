#include "ops/trilu/trilu.h"

#include <cstring>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_trilu(RefContext& c) {
  const Tensor& x = c.input(0);
  const size_t rank = x.shape().size();
  if (rank < 2) return c.fail("the input is not a matrix");
  int64_t k = 0;
  if (c.has(1)) {
    const auto given = TRY(integer_input(c, 1));
    if (given.size() != 1) return c.fail("k is not one number");
    k = std::clamp<int64_t>(given[0], -kMaxTensorBytes, kMaxTensorBytes);
  }
  const bool upper = c.as<Trilu>().upper;
  const int64_t rows = x.shape()[rank - 2], columns = x.shape()[rank - 1];
  const auto size = static_cast<int64_t>(TRY(element_size(c, x.dtype())));
  Tensor out = TRY(allocate(c, x.dtype(), x.shape()));
  std::byte* to = out.mutable_bytes().data();
  for (int64_t row = 0; columns != 0 && row < out.count() / columns; ++row) {
    const int64_t diagonal = row % rows + k;
    // Columns [first, last) are kept.
    const int64_t first = upper ? std::clamp<int64_t>(diagonal, 0, columns) : 0;
    const int64_t last = upper ? columns : std::clamp<int64_t>(diagonal + 1, 0, columns);
    const int64_t at = (row * columns + first) * size;
    std::memcpy(to + at, x.data() + at, static_cast<size_t>((last - first) * size));
  }
  c.outputs[0] = std::move(out);
  return {};
}

}  // namespace

std::span<const RefKernel> trilu_ref() {
  static constexpr RefKernel kernels[] = {kernel<Trilu>(run_trilu)};
  return kernels;
}

}  // namespace tenon::ops
