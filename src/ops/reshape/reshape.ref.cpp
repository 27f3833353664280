#include "ops/reshape/reshape.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_reshape(RefContext& c) {
  const bool allowzero = c.as<Reshape>().allowzero;
  const Tensor& x = c.input(0);
  Dims dims = TRY(integer_input(c, 1));
  std::optional<size_t> rest;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && !allowzero) {
      if (i >= x.shape().size())
        return c.fail("the new shape copies a dimension that is not there");
      dims[i] = x.shape()[i];
    }
    if (dims[i] != -1) continue;
    if (rest) return c.fail("the new shape has -1 twice");
    rest = i;
    dims[i] = 1;
  }
  const int64_t known = element_count(dims);
  if (rest && known > 0) dims[*rest] = x.count() / known;
  if (rest && known == 0) dims[*rest] = 0;
  if (known < 0 || element_count(dims) != x.count()) {
    return c.fail(fmt::format("{} cannot become {}", to_string(ir::to_shape(x.shape())),
                              to_string(ir::to_shape(dims))));
  }
  c.outputs[0] = x.reshaped(std::move(dims));
  return {};
}

}  // namespace

std::span<const RefKernel> reshape_ref() {
  static constexpr RefKernel kernels[] = {kernel<Reshape>(run_reshape)};
  return kernels;
}

}  // namespace tenon::ops
