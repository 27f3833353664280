#include "ops/squeeze/squeeze.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Result<std::vector<bool>> marked_axes(const RefContext& c, size_t rank) {
  std::vector<bool> out(rank, false);
  for (int64_t axis : TRY(integer_input(c, 1))) {
    const size_t at = TRY(axis_at(c, axis, rank));
    if (out[at]) return c.fail("an axis is given twice");
    out[at] = true;
  }
  return out;
}

Status run_squeeze(RefContext& c) {
  const Tensor& x = c.input(0);
  std::vector<bool> goes(x.shape().size());
  for (size_t i = 0; i < goes.size(); ++i) goes[i] = x.shape()[i] == 1;
  if (c.has(1)) goes = TRY(marked_axes(c, x.shape().size()));
  Dims dims;
  for (size_t i = 0; i < goes.size(); ++i) {
    if (!goes[i])
      dims.push_back(x.shape()[i]);
    else if (x.shape()[i] != 1)
      return c.fail(fmt::format("axis {} has size {}", i, x.shape()[i]));
  }
  c.outputs[0] = x.reshaped(std::move(dims));
  return {};
}

Status run_unsqueeze(RefContext& c) {
  const Tensor& x = c.input(0);
  const size_t rank = x.shape().size() + static_cast<size_t>(c.input(1).count());
  const std::vector<bool> added = TRY(marked_axes(c, rank));
  Dims dims;
  size_t from = 0;
  for (bool is_added : added) dims.push_back(is_added ? 1 : x.shape()[from++]);
  c.outputs[0] = x.reshaped(std::move(dims));
  return {};
}

}  // namespace

std::span<const RefKernel> squeeze_ref() {
  static constexpr RefKernel kernels[] = {kernel<Squeeze>(run_squeeze),
                                          kernel<Unsqueeze>(run_unsqueeze)};
  return kernels;
}

}  // namespace tenon::ops
