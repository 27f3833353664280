// Resize of images and volumes, axis by axis, over row-major and channel-blocked tensors.
#include <algorithm>
#include <array>
#include <cmath>

#include "ir/op.h"
#include "ops/common/resize_taps.h"
#include "ops/resize/resize.h"
#include "ops/resize/resize.kernel.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace resize_kernels {
namespace {

bool supports(const ir::Node& node) {
  const auto op = node.as<Resize>();
  const auto rank = node.input(0)->rank();
  const std::string& at = op.coordinate_transformation_mode;
  const bool known = at == "half_pixel" || at == "pytorch_half_pixel" || at == "align_corners" ||
                     at == "asymmetric" || at == "half_pixel_symmetric";
  return node.input(0)->dtype() == DType::f32 && node.output()->dtype() == DType::f32 && rank &&
         *rank >= 3 && *rank <= 5 && known && op.keep_aspect_ratio_policy == "stretch" &&
         !(op.mode == "nearest" && op.exclude_outside);
}

// One pass along an axis: each output position is a weighted sum of a few input positions.
struct Pass {
  int64_t in = 0, out = 0;
  int64_t outer = 1, inner = 1;  // of a plane, as it lies when the pass begins
  size_t taps = 1;
  std::vector<int64_t> index;  // [out, taps]
  std::vector<float> weight;

  int64_t count() const { return outer * out * inner; }
  void run(const float* x, float* y) const;
};

void Pass::run(const float* x, float* y) const {
  std::vector<const float*> rows(taps);
  for (int64_t row = 0; row < outer; ++row, x += in * inner, y += out * inner) {
    for (int64_t i = 0; i < out; ++i) {
      const int64_t* at = index.data() + i * static_cast<int64_t>(taps);
      const float* w = weight.data() + i * static_cast<int64_t>(taps);
      if (inner == 1) {
        float sum = 0;
        for (size_t k = 0; k < taps; ++k) sum += w[k] * x[at[k]];
        y[i] = sum;
      } else if (taps == 1) {
        std::copy_n(x + at[0] * inner, inner, y + i * inner);
      } else {
        for (size_t k = 0; k < taps; ++k) rows[k] = x + at[k] * inner;
        mix_rows(rows.data(), w, taps, y + i * inner, static_cast<size_t>(inner));
      }
    }
  }
}

void set_taps(Pass& pass, const Resize& op, double scale) {
  const std::vector<Taps> all = make_taps(op, {.in = pass.in, .out = pass.out, .scale = scale});
  const bool nearest = op.mode == "nearest";  // one of two weights is 1
  pass.taps = nearest ? 1 : all.front().index.size();
  for (const Taps& taps : all) {
    const size_t first = nearest && taps.weight[0] == 0 ? 1 : 0;
    for (size_t k = 0; k < pass.taps; ++k) {
      pass.index.push_back(taps.index[first + k]);
      pass.weight.push_back(static_cast<float>(taps.weight[first + k]));
    }
  }
}

// The factor of each axis.
Result<std::vector<double>> factors(const cpu::MakeContext& context, const Resize& op) {
  const cpu::Desc &x = context.in(0), &y = context.outputs[0];
  std::vector<double> out;
  for (size_t d = 0; d < x.dims.size(); ++d)
    out.push_back(static_cast<double>(y.dims[d]) / static_cast<double>(x.dims[d]));
  if (!context.has(2) || context.in(2).count() == 0) return out;
  const Tensor* scales = context.inputs[2].constant;
  if (scales == nullptr || !scales->has_data() || scales->dtype() != DType::f32)
    return context.refuse("scales that are computed");
  const auto values = scales->values<float>();
  if (values.size() != (op.axes ? op.axes->size() : out.size()))
    return context.refuse("scales that do not fit the axes");
  for (size_t i = 0; i < values.size(); ++i) {
    const auto axis =
        ir::normalize_axis(op.axes ? (*op.axes)[i] : static_cast<int64_t>(i), x.dims.size());
    if (!axis || !(values[i] > 0)) return context.refuse("a scale or an axis out of range");
    out[*axis] = static_cast<double>(values[i]);
  }
  return out;
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<Resize>();
  const cpu::Desc &x = context.in(0), &y = context.outputs[0];
  if (x.count() == 0 || y.count() == 0) return context.refuse("an empty tensor");
  if (x.block != y.block) return context.refuse("another layout");
  const auto scale = TRY(factors(context, op));
  if (x.dims[0] != y.dims[0] || x.dims[1] != y.dims[1] || scale[0] != 1 || scale[1] != 1)
    return context.refuse("batch or channels are resized");
  // From the last axis on: the others are still small where an image grows.
  Dims plane(x.dims.begin() + 2, x.dims.end());
  auto passes = std::make_shared<std::vector<Pass>>();
  const int64_t block = std::max(x.block, 1);
  const int64_t in_plane = element_count(plane) * block;
  for (size_t d = plane.size(); d-- > 0;) {
    const int64_t out = y.dims[d + 2];
    if (out == plane[d] && scale[d + 2] == 1) continue;
    Pass pass{.in = plane[d],
              .out = out,
              .outer = element_count(std::span(plane).first(d)),
              .inner = element_count(std::span(plane).subspan(d + 1)) * block};
    set_taps(pass, op, scale[d + 2]);
    passes->push_back(std::move(pass));
    plane[d] = out;
  }
  const int64_t out_plane = element_count(plane) * block;
  const int64_t planes = x.dims[0] * (x.block > 0 ? x.physical()[1] : x.dims[1]);
  int64_t largest = 0;  // result of a pass before the last
  for (size_t i = 0; i + 1 < passes->size(); ++i) largest = std::max(largest, (*passes)[i].count());
  largest = (largest + 15) / 16 * 16;
  cpu::Prepared prepared;
  prepared.scratch = static_cast<size_t>(2 * largest * context.threads) * sizeof(float);
  prepared.run = [=, threads = context.threads](const cpu::Args& args) -> Status {
    cpu::parallel_for(
        planes, std::max<int64_t>(1, 16384 / out_plane), threads, [&](int64_t begin, int64_t end) {
          float* memory =
              reinterpret_cast<float*>(args.scratch) + omp_get_thread_num() * 2 * largest;
          for (int64_t p = begin; p < end; ++p) {
            const float* from = args.f32(0) + p * in_plane;
            float* result = args.f32_out() + p * out_plane;
            if (passes->empty()) std::copy_n(from, out_plane, result);
            for (size_t i = 0; i < passes->size(); ++i) {
              float* to =
                  i + 1 == passes->size() ? result : memory + static_cast<int64_t>(i % 2) * largest;
              (*passes)[i].run(from, to);
              from = to;
            }
          }
        });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "Resize", .tactic = "planes", .supports = supports, .make = make},
};

}  // namespace
}  // namespace resize_kernels

std::span<const cpu::KernelSpec> resize_cpu() { return resize_kernels::kKernels; }

}  // namespace tenon::ops
