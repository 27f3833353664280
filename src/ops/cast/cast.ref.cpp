#include "ops/cast/cast.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_cast(RefContext& c) {
  const auto to = static_cast<DType>(c.as<Cast>().to);
  const Tensor& x = c.input(0);
  if (to == x.dtype()) {
    c.outputs[0] = x;
    return {};
  }
  if (!is_computable(to))
    return c.unsupported(fmt::format("there is no conversion to {} here", name(to)),
                         "cast to a float of at least 16 bits or an integer of at least 8");
  if (x.dtype() == DType::u64) return map_elements<uint64_t>(c, std::identity{}, to);
  if (is_floating(x.dtype())) return map_elements<double>(c, std::identity{}, to);
  return map_elements<int64_t>(c, std::identity{}, to);
}

}  // namespace

std::span<const RefKernel> cast_ref() {
  static constexpr RefKernel kernels[] = {kernel<Cast>(run_cast)};
  return kernels;
}

}  // namespace tenon::ops
