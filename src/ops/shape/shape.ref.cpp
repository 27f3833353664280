#include "ops/shape/shape.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_shape(RefContext& c) {
  const auto op = c.as<Shape>();
  const Dims& dims = c.input(0).shape();
  const auto rank = static_cast<int64_t>(dims.size());
  auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(op.start), end = std::max(start, clamp(op.end.value_or(rank)));
  c.outputs[0] = Tensor::vector_i64(
      std::span(dims).subspan(static_cast<size_t>(start), static_cast<size_t>(end - start)));
  return {};
}

}  // namespace

std::span<const RefKernel> shape_ref() {
  static constexpr RefKernel kernels[] = {kernel<Shape>(run_shape)};
  return kernels;
}

}  // namespace tenon::ops
