// RoiAlign by averages. A few channels of an image at a time are laid side by side, pixel by pixel,
// so that a sample is a weighted sum of four short vectors.
#include "ops/roi_align/roi_align.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "targets/cpu/indices.h"

namespace tenon::ops {
namespace roi_align_kernels {
namespace {

constexpr int64_t kLanes = 16;  // channels side by side

bool supports(const ir::Node& node) {
  return node.as<RoiAlign>().mode == "avg" && node.input(0)->dtype() == DType::f32 &&
         node.input(1)->dtype() == DType::f32 && cpu::are_indices(node.input(2));
}

// Two neighbouring pixels along an axis and what they weigh; no weight outside the image by more
// than a pixel.
struct Tap {
  int64_t low = 0, high = 0;
  float low_weight = 0, high_weight = 0;
};

Tap tap_at(double at, int64_t size) {
  if (at < -1 || at > static_cast<double>(size) || at != at) return {};
  at = std::max(at, 0.0);
  const auto low = static_cast<int64_t>(at);
  if (low >= size - 1) return {size - 1, size - 1, 1, 0};
  const double rest = at - static_cast<double>(low);
  return {low, low + 1, static_cast<float>(1 - rest), static_cast<float>(rest)};
}

// The taps of all samples along an axis, bin by bin.
struct Taps {
  int64_t per_bin = 0;
  std::vector<Tap> taps;

  void make(double start, double length, int64_t bins, int64_t ratio, int64_t size) {
    constexpr double kMost = 1 << 14;  // samples of a bin of an image that could be held at all
    const double bin = length / static_cast<double>(bins);
    per_bin = ratio > 0 ? ratio : static_cast<int64_t>(std::ceil(std::clamp(bin, 0.0, kMost)));
    taps.clear();
    for (int64_t b = 0; b < bins; ++b) {
      for (int64_t i = 0; i < per_bin; ++i) {
        const double inside = (static_cast<double>(i) + 0.5) * bin / static_cast<double>(per_bin);
        taps.push_back(tap_at(start + static_cast<double>(b) * bin + inside, size));
      }
    }
  }
};

struct Form {
  int64_t images = 0, channels = 0, height = 0, width = 0, regions = 0;
  int64_t out_height = 1, out_width = 1, ratio = 0;
  double scale = 1;
  bool half_pixel = true;
  int64_t groups() const { return (channels + kLanes - 1) / kLanes; }
};

// Planes of the image from `channel` on, as [pixels, kLanes]; lanes past the last channel are 0.
void interleave(const Form& f, const float* image, int64_t channel, float* pixels) {
  const int64_t plane = f.height * f.width, lanes = std::min(kLanes, f.channels - channel);
  if (lanes < kLanes) std::fill_n(pixels, plane * kLanes, 0.0F);
  constexpr int64_t kTile = 64;
  for (int64_t start = 0; start < plane; start += kTile) {
    const int64_t end = std::min(plane, start + kTile);
    for (int64_t l = 0; l < lanes; ++l) {
      const float* from = image + (channel + l) * plane;
      for (int64_t i = start; i < end; ++i) pixels[i * kLanes + l] = from[i];
    }
  }
}

void add_scaled(float* sum, const float* pixel, float weight) {
  for (int64_t l = 0; l < kLanes; ++l) sum[l] += weight * pixel[l];
}

// One region of the interleaved channels; y is [channels of the group, bins].
void region(const Form& f, const float* pixels, const Taps& down, const Taps& across, int64_t lanes,
            float* y) {
  const float samples = static_cast<float>(std::max<int64_t>(down.per_bin * across.per_bin, 1));
  for (int64_t ph = 0; ph < f.out_height; ++ph) {
    for (int64_t pw = 0; pw < f.out_width; ++pw) {
      float sum[kLanes] = {};
      for (int64_t iy = 0; iy < down.per_bin; ++iy) {
        const Tap& v = down.taps[static_cast<size_t>(ph * down.per_bin + iy)];
        const float *top = pixels + v.low * f.width * kLanes,
                    *bottom = pixels + v.high * f.width * kLanes;
        for (int64_t ix = 0; ix < across.per_bin; ++ix) {
          const Tap& h = across.taps[static_cast<size_t>(pw * across.per_bin + ix)];
          add_scaled(sum, top + h.low * kLanes, v.low_weight * h.low_weight);
          add_scaled(sum, top + h.high * kLanes, v.low_weight * h.high_weight);
          add_scaled(sum, bottom + h.low * kLanes, v.high_weight * h.low_weight);
          add_scaled(sum, bottom + h.high * kLanes, v.high_weight * h.high_weight);
        }
      }
      const int64_t bins = f.out_height * f.out_width, bin = ph * f.out_width + pw;
      for (int64_t l = 0; l < lanes; ++l) y[l * bins + bin] = sum[l] / samples;
    }
  }
}

void taps_of(const Form& f, const float* box, Taps& down, Taps& across) {
  const double offset = f.half_pixel ? 0.5 : 0;
  double corner[4];
  for (int i = 0; i < 4; ++i) corner[i] = static_cast<double>(box[i]) * f.scale - offset;
  double width = corner[2] - corner[0], height = corner[3] - corner[1];
  if (!f.half_pixel) width = std::max(width, 1.0), height = std::max(height, 1.0);
  down.make(corner[1], height, f.out_height, f.ratio, f.height);
  across.make(corner[0], width, f.out_width, f.ratio, f.width);
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<RoiAlign>();
  const Dims &x = context.in(0).dims, &rois = context.in(1).dims;
  if (x.size() != 4 || rois.size() != 2 || rois[1] != 4 || context.in(2).count() != rois[0])
    return context.refuse("inputs that do not fit each other");
  const Form f{.images = x[0],
               .channels = x[1],
               .height = x[2],
               .width = x[3],
               .regions = rois[0],
               .out_height = op.output_height,
               .out_width = op.output_width,
               .ratio = op.sampling_ratio,
               .scale = static_cast<double>(op.spatial_scale),
               .half_pixel = op.coordinate_transformation_mode == "half_pixel"};
  if (f.height == 0 || f.width == 0) return context.refuse("an empty image");
  const int64_t plane = f.height * f.width * kLanes;
  cpu::Prepared prepared;
  prepared.scratch =
      static_cast<size_t>(plane) * sizeof(float) * static_cast<size_t>(context.threads);
  prepared.run = [=, wide = context.in(2).dtype == DType::i64, threads = context.threads,
                  where = context.node.where()](const cpu::Args& args) -> Status {
    const cpu::Indices images{args.in[2], wide};
    std::vector<std::vector<int64_t>> of_image(static_cast<size_t>(f.images));
    for (int64_t r = 0; r < f.regions; ++r) {
      const int64_t n = images[r];
      if (n < 0 || n >= f.images) {
        return fail({.kind = ErrorKind::usage,
                     .what = "RoiAlign cannot be computed",
                     .where = where,
                     .why = fmt::format("region {} is of image {} of {}", r, n, f.images),
                     .hint = "check the values and shapes of the inputs"});
      }
      of_image[static_cast<size_t>(n)].push_back(r);
    }
    std::atomic<int64_t> next_scratch = 0;
    const int64_t bins = f.out_height * f.out_width;
    cpu::parallel_for(f.images * f.groups(), 1, threads, [&](int64_t begin, int64_t end) {
      float* pixels = reinterpret_cast<float*>(args.scratch) + next_scratch++ * plane;
      Taps down, across;
      for (int64_t task = begin; task < end; ++task) {
        const int64_t n = task / f.groups(), channel = task % f.groups() * kLanes;
        const auto& regions = of_image[static_cast<size_t>(n)];
        if (regions.empty()) continue;
        interleave(f, args.f32(0) + n * f.channels * f.height * f.width, channel, pixels);
        for (const int64_t r : regions) {
          taps_of(f, args.f32(1) + 4 * r, down, across);
          region(f, pixels, down, across, std::min(kLanes, f.channels - channel),
                 args.f32_out() + (r * f.channels + channel) * bins);
        }
      }
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "RoiAlign", .tactic = "lanes", .supports = supports, .make = make},
};

}  // namespace
}  // namespace roi_align_kernels

std::span<const cpu::KernelSpec> roi_align_cpu() { return roi_align_kernels::kKernels; }

}  // namespace tenon::ops
