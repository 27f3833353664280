#include "ops/one_hot/one_hot.h"

#include <cstring>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_one_hot(RefContext& c) {
  TRY(need_computable(c));
  const Tensor& values = c.input(2);
  if (values.count() != 2 || c.input(1).count() != 1) return c.fail("depth or values do not fit");
  const auto indices = elements<int64_t>(c.input(0));
  const int64_t depth = elements<int64_t>(c.input(1))[0];
  if (depth < 0) return c.fail("the depth is negative");
  Dims dims = c.input(0).shape();
  const size_t axis = TRY(axis_at(c, c.as<OneHot>().axis, dims.size() + 1));
  const int64_t inner = extent(dims, axis, dims.size());
  dims.insert(dims.begin() + static_cast<ptrdiff_t>(axis), depth);
  const size_t size = TRY(element_size(c, values.dtype()));
  Tensor out = TRY(allocate(c, values.dtype(), dims));
  std::byte* to = out.mutable_bytes().data();
  for (int64_t i = 0; i < out.count(); ++i, to += size) {
    const int64_t level = i / inner % depth, row = i / inner / depth;
    int64_t index = indices[static_cast<size_t>(row * inner + i % inner)];
    if (index < 0) index += depth;
    std::memcpy(to, values.data() + (index == level ? size : 0), size);
  }
  c.outputs[0] = std::move(out);
  return {};
}

}  // namespace

std::span<const RefKernel> one_hot_ref() {
  static constexpr RefKernel kernels[] = {kernel<OneHot>(run_one_hot)};
  return kernels;
}

}  // namespace tenon::ops
