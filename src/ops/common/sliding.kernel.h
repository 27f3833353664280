// Windows that slide over a plane, as matrix products take them: the columns of one tap of the
// window, for some of its positions, and where they lie in the plane.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

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

}  // namespace tenon::ops
