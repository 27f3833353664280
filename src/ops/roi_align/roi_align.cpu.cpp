// RoiAlign by averages of f32. The weights of a bin's samples are products of one for its row and
// one for its column: rows are mixed first, whole, and columns of the mixture after that.
#include "ops/roi_align/roi_align.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <vector>

#include "ops/resize/resize.kernel.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace roi_align_kernels {
namespace {

bool supports(const ir::Node& node) {
  return node.input(0)->dtype() == DType::f32 && node.input(1)->dtype() == DType::f32 &&
         cpu::are_indices(node.input(2)) && node.as<RoiAlign>().mode == "avg";
}

// The pixels along one axis that a bin takes its average of, and their weights.
struct Taps {
  std::vector<int64_t> at;
  std::vector<float> weights;

  // Samples lie in order: only the last two pixels can be met again.
  void add(int64_t pixel, double weight) {
    for (size_t i = at.size(); i > 0 && i + 2 > at.size(); --i) {
      if (at[i - 1] != pixel) continue;
      weights[i - 1] += static_cast<float>(weight);
      return;
    }
    at.push_back(pixel);
    weights.push_back(static_cast<float>(weight));
  }
};

// The bins along an axis of `size` pixels, of a region from `start` with `length`.
std::vector<Taps> bins_along(double start, double length, int64_t bins, int64_t ratio,
                             int64_t size) {
  constexpr double kMost = 1 << 14;  // samples: of an image that could be held at all
  const double bin = length / static_cast<double>(bins);
  int64_t samples = ratio;
  if (ratio <= 0) samples = bin > 0 ? static_cast<int64_t>(std::ceil(std::min(bin, kMost))) : 0;
  std::vector<Taps> out(static_cast<size_t>(bins));
  for (int64_t b = 0; b < bins; ++b) {
    Taps& taps = out[static_cast<size_t>(b)];
    for (int64_t i = 0; i < samples; ++i) {
      double at = start + static_cast<double>(b) * bin +
                  (static_cast<double>(i) + 0.5) * bin / static_cast<double>(samples);
      // Samples outside by more than a pixel, and those nowhere, count as zero.
      if (!(at >= -1 && at <= static_cast<double>(size))) continue;
      const double share = 1 / static_cast<double>(samples);
      at = std::max(at, 0.0);
      const auto low = static_cast<int64_t>(at);
      if (low >= size - 1) {
        taps.add(size - 1, share);
      } else {
        const double upper = at - static_cast<double>(low);
        taps.add(low, share * (1 - upper));
        taps.add(low + 1, share * upper);
      }
    }
  }
  return out;
}

struct Image {
  int64_t count, channels, height, width;
};

// One region of all channels.
void align(const RoiAlign& op, const Image& image, const float* x, const float* roi, float* y) {
  const bool half_pixel = op.coordinate_transformation_mode == "half_pixel";
  const double offset = half_pixel ? 0.5 : 0, scale = static_cast<double>(op.spatial_scale);
  const auto along = [&](size_t axis, int64_t bins, int64_t size) {
    const double start = static_cast<double>(roi[axis]) * scale - offset;
    double length = static_cast<double>(roi[axis + 2]) * scale - offset - start;
    if (!half_pixel) length = std::max(length, 1.0);
    return bins_along(start, length, bins, op.sampling_ratio, size);
  };
  const auto columns = along(0, op.output_width, image.width);
  const auto rows = along(1, op.output_height, image.height);
  int64_t left = image.width, right = 0;
  for (const Taps& taps : columns) {
    for (const int64_t at : taps.at) left = std::min(left, at), right = std::max(right, at + 1);
  }
  std::vector<float> mixed(static_cast<size_t>(std::max<int64_t>(right - left, 0)));
  std::vector<const float*> sources;
  for (int64_t c = 0; c < image.channels; ++c) {
    const float* plane = x + c * image.height * image.width;
    for (const Taps& row : rows) {
      if (row.at.empty() || mixed.empty()) {
        y = std::fill_n(y, op.output_width, 0.0F);
        continue;
      }
      sources.clear();
      for (const int64_t at : row.at) sources.push_back(plane + at * image.width + left);
      mix_rows(sources.data(), row.weights.data(), sources.size(), mixed.data(), mixed.size());
      for (const Taps& column : columns) {
        float sum = 0;
        for (size_t i = 0; i < column.at.size(); ++i)
          sum += column.weights[i] * mixed[static_cast<size_t>(column.at[i] - left)];
        *y++ = sum;
      }
    }
  }
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
    const int64_t piece = image.channels * op.output_height * op.output_width;
    cpu::parallel_for(count, 1, threads, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        align(op, image, args.f32(0) + batch[k] * image.channels * image.height * image.width,
              args.f32(1) + 4 * k, args.f32_out() + k * piece);
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
