// RoiAlign by averages of f32. The weights of a bin's samples are products of one for its row and
// one for its column: rows are mixed first, whole, and columns of the mixture after that.
#include "ops/roi_align/roi_align.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <vector>

#include "ops/roi_align/roi_align.kernel.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace roi_align_kernels {
namespace {

bool supports(const ir::Node& node) {
  return node.input(0)->dtype() == DType::f32 && node.input(1)->dtype() == DType::f32 &&
         cpu::are_indices(node.input(2)) && node.as<RoiAlign>().mode == "avg";
}

// A sample's weight of a pixel. Samples lie in order: only the last two pixels can be met again.
void add(RoiTaps& taps, int64_t pixel, double weight) {
  for (size_t i = taps.at.size(), n = 2; i > taps.first.back() && n > 0; --i, --n) {
    if (taps.at[i - 1] != pixel) continue;
    taps.weights[i - 1] += static_cast<float>(weight);
    return;
  }
  taps.at.push_back(pixel);
  taps.weights.push_back(static_cast<float>(weight));
}

// The bins along an axis of `size` pixels, of a region from `start` with `length`.
RoiTaps bins_along(double start, double length, int64_t bins, int64_t ratio, int64_t size) {
  constexpr double kMost = 1 << 14;  // samples: of an image that could be held at all
  const double bin = length / static_cast<double>(bins);
  int64_t samples = ratio;
  if (ratio <= 0) samples = bin > 0 ? static_cast<int64_t>(std::ceil(std::min(bin, kMost))) : 0;
  RoiTaps out;
  for (int64_t b = 0; b < bins; ++b) {
    for (int64_t i = 0; i < samples; ++i) {
      double at = start + static_cast<double>(b) * bin +
                  (static_cast<double>(i) + 0.5) * bin / static_cast<double>(samples);
      // Samples outside by more than a pixel, and those nowhere, count as zero.
      if (!(at >= -1 && at <= static_cast<double>(size))) continue;
      const double share = 1 / static_cast<double>(samples);
      at = std::max(at, 0.0);
      const auto low = static_cast<int64_t>(at);
      if (low >= size - 1) {
        add(out, size - 1, share);
      } else {
        const double upper = at - static_cast<double>(low);
        add(out, low, share * (1 - upper));
        add(out, low + 1, share * upper);
      }
    }
    out.first.push_back(static_cast<uint32_t>(out.at.size()));
  }
  return out;
}

struct Image {
  int64_t count, channels, height, width;
};

RoiRegion region_of(const RoiAlign& op, const Image& image, const float* roi) {
  const bool half_pixel = op.coordinate_transformation_mode == "half_pixel";
  const double offset = half_pixel ? 0.5 : 0, scale = static_cast<double>(op.spatial_scale);
  const auto along = [&](size_t axis, int64_t bins, int64_t size) {
    const double start = static_cast<double>(roi[axis]) * scale - offset;
    double length = static_cast<double>(roi[axis + 2]) * scale - offset - start;
    if (!half_pixel) length = std::max(length, 1.0);
    return bins_along(start, length, bins, op.sampling_ratio, size);
  };
  RoiRegion out{along(1, op.output_height, image.height), along(0, op.output_width, image.width)};
  if (out.columns.at.empty()) return out;
  const auto [low, high] = std::minmax_element(out.columns.at.begin(), out.columns.at.end());
  const auto lanes = static_cast<int64_t>(align_lanes());
  // Whole vectors, where the image is wide enough.
  const int64_t window = std::min((*high - *low + lanes) / lanes * lanes, image.width);
  const int64_t left = std::min(*low, image.width - window);
  for (int64_t& at : out.columns.at) at -= left;
  out.left = static_cast<size_t>(left);
  out.window = static_cast<size_t>(window);
  return out;
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const Dims &dims = context.in(0).dims, &rois = context.in(1).dims;
  if (dims.size() != 4 || rois.size() != 2 || rois[1] != 4 || context.in(2).count() != rois[0] ||
      dims[2] == 0 || dims[3] == 0)
    return context.refuse("inputs that do not fit each other, or no pixels");
  const Image image{dims[0], dims[1], dims[2], dims[3]};
  cpu::Prepared prepared;
  prepared.run = [image, op = context.node.as<RoiAlign>(), count = rois[0],
                  wide = context.in(2).dtype == DType::i64,
                  threads = context.threads](const cpu::Args& args) -> Status {
    const cpu::Indices batch{args.in[2], wide};
    for (int64_t k = 0; k < count; ++k) {
      if (batch[k] < 0 || batch[k] >= image.count)
        return cpu::outside("RoiAlign", batch[k], image.count);
    }
    std::vector<RoiRegion> regions(static_cast<size_t>(count));
    cpu::parallel_for(count, 64, threads, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        regions[static_cast<size_t>(k)] = region_of(op, image, args.f32(1) + 4 * k);
    });
    // Plane by plane, which caches hold, not region by region.
    const int64_t plane = image.height * image.width, piece = op.output_height * op.output_width;
    cpu::parallel_for(image.channels, 1, threads, [&](int64_t begin, int64_t end) {
      std::vector<float> mixed(static_cast<size_t>(image.width));
      for (int64_t c = begin; c < end; ++c) {
        for (int64_t k = 0; k < count; ++k)
          align_region(regions[static_cast<size_t>(k)],
                       args.f32(0) + (batch[k] * image.channels + c) * plane,
                       static_cast<size_t>(image.width), mixed.data(),
                       args.f32_out() + (k * image.channels + c) * piece);
      }
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "RoiAlign", .tactic = "separable", .supports = supports, .make = make},
};

}  // namespace
}  // namespace roi_align_kernels

std::span<const cpu::KernelSpec> roi_align_cpu() { return roi_align_kernels::kKernels; }

}  // namespace tenon::ops
