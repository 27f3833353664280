// Windows that slide over a plane, as matrix products take them: the columns of one tap of the
// window, for some of its positions, and where they lie in the plane.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "targets/cpu/kernel.h"
#include "targets/cpu/onednn.h"
#include "targets/cpu/reorder.h"

namespace tenon::ops {

// How many positions a product takes at once: so many that caches hold the columns, of `rows` each,
// and products are worth while.
inline int64_t positions_at_once(int64_t rows) {
  return std::max<int64_t>(32, (1 << 18) / std::max<int64_t>(rows, 1));
}

struct Sliding {
  // Along one spatial axis: how many positions, the plane's size, and the window.
  struct Axis {
    int64_t positions, size, kernel, stride, dilation, pad;
  };
  std::vector<Axis> axes;

  int64_t positions() const {
    int64_t out = 1;
    for (const Axis& axis : axes) out *= axis.positions;
    return out;
  }
  int64_t taps() const {
    int64_t out = 1;
    for (const Axis& axis : axes) out *= axis.kernel;
    return out;
  }
  int64_t stride() const { return axes.back().stride; }

  // f(column, run, begin, end, start) for each run of `count` positions from `first` along the last
  // axis: columns [column + begin, column + end) of the run's lie in the plane, one every stride()
  // from `start` + begin * stride(); those outside come with begin == end.
  template <class F>
  void for_runs(int64_t tap, int64_t first, int64_t count, F&& f) const {
    const Axis& last = axes.back();
    const int64_t shift = tap % last.kernel * last.dilation - last.pad;
    for (int64_t at = first; at < first + count;) {
      const int64_t place = at % last.positions * last.stride + shift;
      const int64_t run = std::min(last.positions - at % last.positions, first + count - at);
      int64_t row = 0, position = at / last.positions, rest = tap / last.kernel, scale = last.size;
      bool inside = true;
      for (size_t d = axes.size() - 1; d-- > 0;) {
        const Axis& axis = axes[d];
        const int64_t line =
            position % axis.positions * axis.stride + rest % axis.kernel * axis.dilation - axis.pad;
        inside = inside && line >= 0 && line < axis.size;
        row += line * scale;
        scale *= axis.size;
        position /= axis.positions;
        rest /= axis.kernel;
      }
      // The first of the run at or past a place of the plane.
      const auto reach = [&](int64_t target) {
        const int64_t distance = target - place;
        return std::clamp<int64_t>(distance <= 0 ? 0 : (distance + last.stride - 1) / last.stride,
                                   0, run);
      };
      const int64_t begin = inside ? reach(0) : 0, end = inside ? reach(last.size) : 0;
      f(at - first, run, begin, end, row + place);
      at += run;
    }
  }
};

// What a convolution and its transpose share as matrix products over pieces of the positions:
// sizes, the products, and where things lie in the scratch memory.
struct SlidingProduct {
  int64_t batch = 0, groups = 1, in_channels = 0, out_channels = 0;  // channels of a group
  int64_t in_plane = 0, out_plane = 0, taps = 0;
  Sliding windows;
  cpu::onednn::Product whole, rest;
  int64_t at_once = 0;  // positions of a whole piece
  cpu::Desc in, out, plain_in, plain_out;
  bool bias = false;
  size_t x_at = 0, y_at = 0, columns_at = 0, product_at = 0, scratch = 0;

  SlidingProduct(const cpu::MakeContext& context, int64_t group)
      : batch(context.in(0).dims[0]),
        groups(group),
        in(context.in(0)),
        out(context.outputs[0]),
        plain_in(in),
        plain_out(out),
        bias(context.has(2)) {
    plain_in.block = plain_out.block = 0;
  }

  size_t place(size_t bytes) {
    const size_t at = scratch;
    scratch += cpu::aligned(bytes);
    return at;
  }
  // Cuts the positions into pieces, whose columns have `rows` elements; product(count) makes the
  // product over so many.
  template <class F>
  Status divide(int64_t rows, F&& product) {
    const int64_t positions = windows.positions();
    at_once = std::min(positions, positions_at_once(rows));
    whole = TRY(product(at_once));
    if (const int64_t left = positions % at_once; left != 0) rest = TRY(product(left));
    if (in.block > 0) x_at = place(plain_in.bytes());
    if (out.block > 0) y_at = place(plain_out.bytes());
    columns_at = place(static_cast<size_t>(rows * at_once) * sizeof(float));
    product_at = place(std::max(whole.scratch, rest.scratch));
    return {};
  }
  float* at(const cpu::Args& args, size_t place) const {
    return reinterpret_cast<float*>(args.scratch + place);
  }
  // A tensor of the input's or the output's layout in row order, copied to `place` where it is not.
  const float* plain(const cpu::Args& args, const cpu::Desc& desc, const cpu::Desc& to,
                     const float* values, size_t place, int threads) const {
    if (desc.block == 0) return values;
    cpu::reorder(desc, values, to, at(args, place), threads);
    return at(args, place);
  }
};

// The kernel that runs a plan: run(args, threads).
template <class Plan>
cpu::Prepared prepared(std::shared_ptr<const Plan> plan, int threads) {
  cpu::Prepared out;
  out.scratch = plan->scratch;
  out.run = [plan = std::move(plan), threads](const cpu::Args& args) {
    return plan->run(args, threads);
  };
  return out;
}

}  // namespace tenon::ops
