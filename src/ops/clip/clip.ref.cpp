#include "ops/clip/clip.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

template <class C>
Status clip_as(RefContext& c) {
  auto bound = [&](size_t i) -> std::optional<C> {
    if (!c.has(i) || c.input(i).count() < 1) return std::nullopt;
    return elements<C>(c.input(i))[0];
  };
  TRY(need_computable(c));
  const auto low = bound(1), high = bound(2);
  // The upper bound wins where both contradict each other; NaN stays.
  return map_elements<C>(c, [=](C v) {
    if (low && v < *low) v = *low;
    if (high && v > *high) v = *high;
    return v;
  });
}

Status run_clip(RefContext& c) {
  const DType dtype = c.input(0).dtype();
  if (dtype == DType::u64) return clip_as<uint64_t>(c);
  return is_integral(dtype) ? clip_as<int64_t>(c) : clip_as<double>(c);
}

}  // namespace

std::span<const RefKernel> clip_ref() {
  static constexpr RefKernel kernels[] = {kernel<Clip>(run_clip)};
  return kernels;
}

}  // namespace tenon::ops
