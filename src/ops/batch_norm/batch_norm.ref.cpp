#include "ops/batch_norm/batch_norm.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

Status run_batch_norm(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<BatchNormalization>();
  const Tensor& x = c.input(0);
  const Dims& dims = x.shape();
  if (dims.empty()) return c.fail("the input is a scalar");
  const int64_t channels = dims.size() > 1 ? dims[1] : 1;
  const int64_t inner = extent(dims, std::min<size_t>(2, dims.size()), dims.size());
  std::vector<double> v = elements<double>(x), parameter[4];
  for (size_t i = 0; i < 4; ++i) {
    parameter[i] = elements<double>(c.input(i + 1));
    if (static_cast<int64_t>(parameter[i].size()) != channels)
      return c.fail(fmt::format("input {} does not hold one value for each channel", i + 1));
  }
  auto channel = [&](size_t i) {
    return i / static_cast<size_t>(inner) % static_cast<size_t>(channels);
  };
  auto& [scale, bias, mean, variance] = parameter;
  if (op.training_mode) {
    const std::vector<double> before_mean = mean, before_variance = variance;
    const double count = static_cast<double>(v.size()) / static_cast<double>(channels);
    std::fill(mean.begin(), mean.end(), 0);
    std::fill(variance.begin(), variance.end(), 0);
    for (size_t i = 0; i < v.size(); ++i) mean[channel(i)] += v[i] / count;
    for (size_t i = 0; i < v.size(); ++i)
      variance[channel(i)] += (v[i] - mean[channel(i)]) * (v[i] - mean[channel(i)]) / count;
    const double keep = op.momentum;
    for (size_t i = 1; i < c.outputs.size(); ++i) {
      std::vector<double> running = i == 1 ? before_mean : before_variance;
      const std::vector<double>& now = i == 1 ? mean : variance;
      for (size_t k = 0; k < running.size(); ++k)
        running[k] = running[k] * keep + now[k] * (1 - keep);
      c.outputs[i] = from_elements<double>(c.input(i + 2).dtype(), c.input(i + 2).shape(), running);
    }
  } else {
    for (size_t i = 1; i < c.outputs.size(); ++i) c.outputs[i] = c.input(i + 2);
  }
  for (size_t i = 0; i < v.size(); ++i) {
    const size_t ch = channel(i);
    v[i] = (v[i] - mean[ch]) / std::sqrt(variance[ch] + op.epsilon) * scale[ch] + bias[ch];
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, v);
  return {};
}

}  // namespace

std::span<const RefKernel> batch_norm_ref() {
  static constexpr RefKernel kernels[] = {kernel<BatchNormalization>(run_batch_norm)};
  return kernels;
}

}  // namespace tenon::ops
