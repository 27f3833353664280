#include "ops/pad/pad.h"

#include <cstring>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// The source index for position i of an axis (which begins `before` earlier), -1 for the constant.
int64_t pad_source(int64_t i, int64_t size, const std::string& mode) {
  if (i >= 0 && i < size) return i;
  if (mode == "constant" || size == 0) return -1;
  if (mode == "edge") return i < 0 ? 0 : size - 1;
  if (mode == "wrap") return (i % size + size) % size;
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1), at = (i % period + period) % period;
  return at < size ? at : period - at;
}

Status run_pad(RefContext& c) {
  const std::string mode = c.as<Pad>().mode;
  const Tensor& x = c.input(0);
  const size_t rank = x.shape().size();
  const auto pads = TRY(integer_input(c, 1));
  std::vector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (c.has(3)) axes = TRY(integer_input(c, 3));
  if (pads.size() != 2 * axes.size()) return c.fail("the paddings do not fit the axes");
  const Dims strides = strides_of(x.shape());
  Dims dims = x.shape(), before(rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = TRY(axis_at(c, axes[i], rank));
    before[axis] = pads[i];
    const int64_t after = pads[axes.size() + i];
    if (std::abs(pads[i]) > kMaxTensorBytes || std::abs(after) > kMaxTensorBytes)
      return c.fail("a padding is too large");
    dims[axis] += pads[i] + after;
    if (dims[axis] < 0) return c.fail("the negative padding is larger than the input");
  }
  const size_t size = TRY(element_size(c, x.dtype()));
  Tensor out = TRY(allocate(c, x.dtype(), dims));
  // Offsets of the source along each axis; -1 where there is none.
  std::vector<std::vector<int64_t>> sources(rank);
  for (size_t d = 0; d < rank; ++d) {
    for (int64_t i = 0; i < dims[d]; ++i) {
      const int64_t from = pad_source(i - before[d], x.shape()[d], mode);
      sources[d].push_back(from < 0 ? -1 : from * strides[d]);
    }
  }
  std::vector<std::byte> constant(size, std::byte{0});
  if (c.has(2) && c.input(2).count() == 1) std::memcpy(constant.data(), c.input(2).data(), size);
  std::byte* to = out.mutable_bytes().data();
  Dims index(rank, 0);
  for (int64_t i = 0; i < out.count(); ++i, to += size) {
    int64_t offset = 0;
    for (size_t d = 0; d < rank && offset >= 0; ++d) {
      const int64_t part = sources[d][static_cast<size_t>(index[d])];
      offset = part < 0 ? -1 : offset + part;
    }
    std::memcpy(to, offset < 0 ? constant.data() : x.data() + static_cast<size_t>(offset) * size,
                size);
    for (size_t d = rank; d-- > 0;) {
      if (++index[d] < dims[d]) break;
      index[d] = 0;
    }
  }
  c.outputs[0] = std::move(out);
  return {};
}

}  // namespace

std::span<const RefKernel> pad_ref() {
  static constexpr RefKernel kernels[] = {kernel<Pad>(run_pad)};
  return kernels;
}

}  // namespace tenon::ops
