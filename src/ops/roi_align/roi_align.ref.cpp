#include "ops/roi_align/roi_align.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// A sample between four pixels: where they are and what they weigh. Outside the image by more than
// a pixel, a sample counts as zero.
struct Sample {
  std::array<int64_t, 4> at{};
  std::array<double, 4> weight{};
};

Sample sample_at(double y, double x, int64_t height, int64_t width) {
  if (y < -1 || y > static_cast<double>(height) || x < -1 || x > static_cast<double>(width))
    return {};
  auto bracket = [](double& v, int64_t size, int64_t& low, int64_t& high) {
    v = std::max(v, 0.0);
    low = static_cast<int64_t>(v);
    high = low + 1;
    if (low >= size - 1) {
      low = high = size - 1;
      v = static_cast<double>(low);
    }
  };
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  bracket(y, height, top, bottom);
  bracket(x, width, left, right);
  const double dy = y - static_cast<double>(top), dx = x - static_cast<double>(left);
  return {{top * width + left, top * width + right, bottom * width + left, bottom * width + right},
          {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx}};
}

// The samples of every bin of a region, the same for all channels.
std::vector<std::vector<Sample>> bins_of(const RoiAlign& op, const double* roi, int64_t height,
                                         int64_t width) {
  const bool half_pixel = op.coordinate_transformation_mode == "half_pixel";
  const double offset = half_pixel ? 0.5 : 0, scale = static_cast<double>(op.spatial_scale);
  const double x1 = roi[0] * scale - offset, y1 = roi[1] * scale - offset;
  double roi_width = roi[2] * scale - offset - x1, roi_height = roi[3] * scale - offset - y1;
  if (!half_pixel) roi_width = std::max(roi_width, 1.0), roi_height = std::max(roi_height, 1.0);
  const double bin_width = roi_width / static_cast<double>(op.output_width),
               bin_height = roi_height / static_cast<double>(op.output_height);
  auto samples_along = [&](double bin) {
    constexpr double kMost = 1 << 14;  // of an image that could be held at all
    if (op.sampling_ratio > 0) return op.sampling_ratio;
    return static_cast<int64_t>(std::ceil(std::clamp(bin, 0.0, kMost)));
  };
  const int64_t rows = samples_along(bin_height), columns = samples_along(bin_width);
  std::vector<std::vector<Sample>> out;
  for (int64_t ph = 0; ph < op.output_height; ++ph) {
    for (int64_t pw = 0; pw < op.output_width; ++pw) {
      std::vector<Sample>& bin = out.emplace_back();
      for (int64_t iy = 0; iy < rows; ++iy) {
        const double y = y1 + static_cast<double>(ph) * bin_height +
                         (static_cast<double>(iy) + 0.5) * bin_height / static_cast<double>(rows);
        for (int64_t ix = 0; ix < columns; ++ix) {
          const double x =
              x1 + static_cast<double>(pw) * bin_width +
              (static_cast<double>(ix) + 0.5) * bin_width / static_cast<double>(columns);
          bin.push_back(sample_at(y, x, height, width));
        }
      }
    }
  }
  return out;
}

double average(const double* plane, const std::vector<Sample>& bin) {
  double sum = 0;
  for (const Sample& s : bin) {
    for (size_t i = 0; i < 4; ++i) sum += s.weight[i] * plane[s.at[i]];
  }
  return sum / static_cast<double>(std::max<size_t>(bin.size(), 1));
}

// ONNX takes the largest weighted pixel, not the largest interpolated sample.
double maximum(const double* plane, const std::vector<Sample>& bin) {
  double best = bin.empty() ? 0 : -HUGE_VAL;
  for (const Sample& s : bin) {
    for (size_t i = 0; i < 4; ++i) best = std::max(best, s.weight[i] * plane[s.at[i]]);
  }
  return best;
}

Status run_roi_align(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<RoiAlign>();
  const Tensor &x = c.input(0), &rois = c.input(1);
  if (x.shape().size() != 4 || rois.shape().size() != 2 || rois.shape()[1] != 4)
    return c.fail("input and regions have the wrong number of dimensions");
  const int64_t count = rois.shape()[0], channels = x.shape()[1], height = x.shape()[2],
                width = x.shape()[3];
  const auto batch = TRY(integer_input(c, 2));
  if (static_cast<int64_t>(batch.size()) != count)
    return c.fail("the regions and their batch indices differ in number");
  const Dims dims{count, channels, op.output_height, op.output_width};
  TRY(check_size(c, x.dtype(), dims));
  const auto values = elements<double>(x), regions = elements<double>(rois);
  std::vector<double> out(static_cast<size_t>(element_count(dims)));
  size_t next = 0;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t n = batch[static_cast<size_t>(k)];
    if (n < 0 || n >= x.shape()[0])
      return c.fail(fmt::format("region {} is of image {} of {}", k, n, x.shape()[0]));
    if (height == 0 || width == 0) continue;
    const auto bins = bins_of(op, regions.data() + 4 * k, height, width);
    for (int64_t ch = 0; ch < channels; ++ch) {
      const double* plane = values.data() + (n * channels + ch) * height * width;
      for (const auto& bin : bins)
        out[next++] = op.mode == "avg" ? average(plane, bin) : maximum(plane, bin);
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, out);
  return {};
}

Status run_max_roi_pool(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<MaxRoiPool>();
  const Tensor &x = c.input(0), &rois = c.input(1);
  if (x.shape().size() != 4 || rois.shape().size() != 2 || rois.shape()[1] != 5)
    return c.fail("input and regions have the wrong number of dimensions");
  const int64_t count = rois.shape()[0], channels = x.shape()[1], height = x.shape()[2],
                width = x.shape()[3], rows = op.pooled_shape[0], columns = op.pooled_shape[1];
  const Dims dims{count, channels, rows, columns};
  TRY(check_size(c, x.dtype(), dims));
  const auto values = elements<double>(x), regions = elements<double>(rois);
  std::vector<double> out(static_cast<size_t>(element_count(dims)));
  size_t next = 0;
  for (int64_t k = 0; k < count; ++k) {
    const double* roi = regions.data() + 5 * k;
    const auto n = static_cast<int64_t>(roi[0]);
    if (n < 0 || n >= x.shape()[0])
      return c.fail(fmt::format("region {} is of image {} of {}", k, n, x.shape()[0]));
    // Corners are rounded to pixels; the last pixel belongs to the region. In single precision, as
    // PyTorch and ONNX Runtime do: rounding depends on it.
    auto corner = [&](size_t i) {
      return static_cast<int64_t>(std::round(static_cast<float>(roi[i]) * op.spatial_scale));
    };
    const int64_t left = corner(1), top = corner(2);
    const int64_t w = std::max<int64_t>(corner(3) - left + 1, 1),
                  h = std::max<int64_t>(corner(4) - top + 1, 1);
    const float bin_h = static_cast<float>(h) / static_cast<float>(rows),
                bin_w = static_cast<float>(w) / static_cast<float>(columns);
    auto edge = [](float at, int64_t start, int64_t size) {
      return std::clamp<int64_t>(static_cast<int64_t>(at) + start, 0, size);
    };
    for (int64_t ch = 0; ch < channels; ++ch) {
      const double* plane = values.data() + (n * channels + ch) * height * width;
      for (int64_t ph = 0; ph < rows; ++ph) {
        const int64_t y0 = edge(std::floor(static_cast<float>(ph) * bin_h), top, height),
                      y1 = edge(std::ceil(static_cast<float>(ph + 1) * bin_h), top, height);
        for (int64_t pw = 0; pw < columns; ++pw) {
          const int64_t x0 = edge(std::floor(static_cast<float>(pw) * bin_w), left, width),
                        x1 = edge(std::ceil(static_cast<float>(pw + 1) * bin_w), left, width);
          double best = y1 <= y0 || x1 <= x0 ? 0 : -HUGE_VAL;
          for (int64_t y = y0; y < y1; ++y) {
            for (int64_t at = x0; at < x1; ++at) best = std::max(best, plane[y * width + at]);
          }
          out[next++] = best;
        }
      }
    }
  }
  c.outputs[0] = from_elements<double>(x.dtype(), dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> roi_align_ref() {
  static constexpr RefKernel kernels[] = {kernel<RoiAlign>(run_roi_align),
                                          kernel<MaxRoiPool>(run_max_roi_pool)};
  return kernels;
}

}  // namespace tenon::ops
