#include "ops/hash_tensor/hash_tensor.h"

#include <bit>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

std::vector<uint64_t> patterns(const Tensor& x) {
  if (!is_floating(x.dtype())) return elements<uint64_t>(x);
  std::vector<uint64_t> out;
  for (const double v : elements<double>(x)) out.push_back(std::bit_cast<uint64_t>(v));
  return out;
}

Status run_hash_tensor(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<HashTensor>();
  const Dims& dims = c.input(0).shape();
  std::vector<bool> gone(dims.size(), op.axes.empty());
  for (const int64_t axis : op.axes) gone[TRY(axis_at(c, axis, dims.size()))] = true;
  Dims kept = dims, shape;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (gone[i]) kept[i] = 1;
    if (!gone[i] || op.keepdims) shape.push_back(kept[i]);
  }
  const Dims strides = broadcast_strides(kept, dims);
  const std::vector<int64_t> places = offsets(dims, strides);
  const std::vector<uint64_t> in = patterns(c.input(0));
  std::vector<uint64_t> out(static_cast<size_t>(element_count(kept)), 0);
  for (size_t i = 0; i < in.size(); ++i) out[static_cast<size_t>(places[i])] ^= in[i];
  c.outputs[0] = from_elements<uint64_t>(DType::u64, shape, out);
  return {};
}

}  // namespace

std::span<const RefKernel> hash_tensor_ref() {
  static constexpr RefKernel kernels[] = {
      {.name = HashTensor::kName, .run = run_hash_tensor, .domain = HashTensor::kDomain}};
  return kernels;
}

}  // namespace tenon::ops
