#include "ops/mel_weights/mel_weights.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

constexpr int64_t kMost = int64_t{1} << 24;

double mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double hertz(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

Result<double> number_input(const RefContext& c, size_t i) {
  const std::vector<double> values = elements<double>(c.input(i));
  if (values.size() != 1) return c.fail(fmt::format("input {} is not one number", i));
  return values[0];
}

// Triangles over the frequencies, each from its left neighbour's peak to its right one's.
Status run_mel_weights(RefContext& c) {
  TRY(need_computable(c));
  std::vector<int64_t> counts;
  for (size_t i = 0; i < 3; ++i) {
    const auto values = TRY(integer_input(c, i));
    if (values.size() != 1 || values[0] < 1 || values[0] > kMost)
      return c.fail(fmt::format("input {} is not one number above 0", i));
    counts.push_back(values[0]);
  }
  const int64_t bands = counts[0], rows = counts[1] / 2 + 1;
  const double low = mel(TRY(number_input(c, 3))), high = mel(TRY(number_input(c, 4)));
  const auto type = static_cast<DType>(c.as<MelWeightMatrix>().output_datatype);
  if (!is_computable(type))
    return c.unsupported("weights of this type", "ask for a float of 16 bits or more");
  const Dims dims{rows, bands};
  TRY(check_size(c, type, dims));
  std::vector<int64_t> edges;
  const double step = (high - low) / static_cast<double>(bands + 2);
  for (int64_t i = 0; i < bands + 2; ++i) {
    const double place =
        std::floor(static_cast<double>(counts[1] + 1) * hertz(static_cast<double>(i) * step + low) /
                   static_cast<double>(counts[2]));
    if (!(place >= 0 && place < static_cast<double>(rows)))
      return c.fail("an edge lies outside the spectrum");
    edges.push_back(static_cast<int64_t>(place));
  }
  std::vector<double> out(static_cast<size_t>(rows * bands));
  for (int64_t band = 0; band < bands; ++band) {
    const int64_t* edge = edges.data() + band;
    auto put = [&](int64_t row, double value) {
      out[static_cast<size_t>(row * bands + band)] = value;
    };
    const auto rise = static_cast<double>(edge[1] - edge[0]),
               fall = static_cast<double>(edge[2] - edge[1]);
    if (edge[1] == edge[0]) put(edge[1], 1);
    for (int64_t i = edge[0]; rise > 0 && i <= edge[1]; ++i)
      put(i, static_cast<double>(i - edge[0]) / rise);
    for (int64_t i = edge[1]; fall > 0 && i < edge[2]; ++i)
      put(i, static_cast<double>(edge[2] - i) / fall);
  }
  c.outputs[0] = from_elements<double>(type, dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> mel_weights_ref() {
  static constexpr RefKernel kernels[] = {kernel<MelWeightMatrix>(run_mel_weights)};
  return kernels;
}

}  // namespace tenon::ops
