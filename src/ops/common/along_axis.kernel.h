// Where the elements of GatherElements and ScatterElements lie: indices name places along one axis;
// along the others an element is at its own place.
#pragma once

#include <optional>
#include <vector>

#include "ir/op.h"
#include "targets/cpu/indices.h"

namespace tenon::ops {

struct AlongAxis {
  int64_t size = 0, step = 0;         // of the data's axis: its size and stride
  int64_t count = 0;                  // of indices along the axis
  std::vector<int64_t> outer, inner;  // offsets in the data of the places before and after the axis

  int64_t elements() const {
    return static_cast<int64_t>(outer.size()) * count * static_cast<int64_t>(inner.size());
  }
  // Puts the indices, counted from the start, into `at`.
  Status read(std::string_view op, const cpu::Indices& indices, int64_t* at) const {
    for (int64_t i = 0; i < elements(); ++i) {
      at[i] = indices[i];
      if (!cpu::in_range(at[i], size)) return cpu::outside(op, indices[i], size);
    }
    return {};
  }
  // f(element, offset) for each index, the place in the data: on threads that share no line along
  // the axis, in order along each.
  template <class F>
  void for_each(const int64_t* at, int threads, F&& f) const {
    if (elements() == 0) return;
    const auto width = static_cast<int64_t>(inner.size());
    const bool by_rows = outer.size() > 1;
    const auto lines = by_rows ? static_cast<int64_t>(outer.size()) : width;
    const int64_t grain =
        std::max<int64_t>(1, (1 << 13) / std::max<int64_t>(1, count * (by_rows ? width : 1)));
    cpu::parallel_for(lines, grain, threads, [&](int64_t begin, int64_t end) {
      const int64_t first = by_rows ? begin : 0, last = by_rows ? end : 1;
      const int64_t left = by_rows ? 0 : begin, right = by_rows ? width : end;
      for (int64_t o = first; o < last; ++o) {
        for (int64_t k = 0; k < count; ++k) {
          for (int64_t j = left; j < right; ++j) {
            const int64_t i = (o * count + k) * width + j;
            f(i, outer[static_cast<size_t>(o)] + at[i] * step + inner[static_cast<size_t>(j)]);
          }
        }
      }
    });
  }
};

// nullopt where the indices' sizes do not fit the data's.
inline std::optional<AlongAxis> along_axis(int64_t given_axis, const Dims& data, const Dims& at) {
  const auto axis = ir::normalize_axis(given_axis, data.size());
  if (!axis || at.size() != data.size()) return std::nullopt;
  for (size_t d = 0; d < data.size(); ++d) {
    if (d != *axis && at[d] > data[d]) return std::nullopt;
  }
  const auto offsets = [&](size_t from, size_t to) {
    std::vector<int64_t> out{0};
    for (size_t d = from; d < to; ++d) {
      const int64_t stride = element_count(std::span(data).subspan(d + 1));
      std::vector<int64_t> next;
      for (const int64_t base : out) {
        for (int64_t i = 0; i < at[d]; ++i) next.push_back(base + i * stride);
      }
      out = std::move(next);
    }
    return out;
  };
  return AlongAxis{.size = data[*axis],
                   .step = element_count(std::span(data).subspan(*axis + 1)),
                   .count = at[*axis],
                   .outer = offsets(0, *axis),
                   .inner = offsets(*axis + 1, data.size())};
}

}  // namespace tenon::ops
