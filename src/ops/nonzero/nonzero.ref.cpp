#include "ops/nonzero/nonzero.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_nonzero(RefContext& c) {
  TRY(need_computable(c));
  const Dims& dims = c.input(0).shape();
  const auto v = elements<double>(c.input(0));
  std::vector<int64_t> found;
  for (size_t i = 0; i < v.size(); ++i) {
    if (v[i] != 0) found.push_back(static_cast<int64_t>(i));
  }
  std::vector<int64_t> out(dims.size() * found.size());
  const Dims strides = strides_of(dims);
  for (size_t d = 0; d < dims.size(); ++d) {
    for (size_t i = 0; i < found.size(); ++i)
      out[d * found.size() + i] = found[i] / strides[d] % dims[d];
  }
  c.outputs[0] = from_elements<int64_t>(
      DType::i64, {static_cast<int64_t>(dims.size()), static_cast<int64_t>(found.size())}, out);
  return {};
}

}  // namespace

std::span<const RefKernel> nonzero_ref() {
  static constexpr RefKernel kernels[] = {kernel<NonZero>(run_nonzero)};
  return kernels;
}

}  // namespace tenon::ops
