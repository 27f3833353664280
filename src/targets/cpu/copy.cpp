#include "targets/cpu/copy.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace tenon::cpu {
namespace {

constexpr int64_t kTile = 16;

// A plane [rows, columns] in which `from` runs along rows and `to` along columns.
template <class T>
void transpose_plane(const T* from, T* to, int64_t rows, int64_t columns, int64_t from_row,
                     int64_t from_column, int64_t to_row, int64_t to_column) {
  for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
    const int64_t r1 = std::min(rows, r0 + kTile);
    for (int64_t c0 = 0; c0 < columns; c0 += kTile) {
      const int64_t c1 = std::min(columns, c0 + kTile);
      for (int64_t r = r0; r < r1; ++r) {
        for (int64_t c = c0; c < c1; ++c)
          to[r * to_row + c * to_column] = from[r * from_row + c * from_column];
      }
    }
  }
}

template <class T>
void copy_line(const T* from, T* to, int64_t n, int64_t from_step, int64_t to_step) {
  if (from_step == 1 && to_step == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  } else if (from_step == 0 && to_step == 1) {
    std::fill_n(to, n, *from);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * to_step] = from[i * from_step];
  }
}

template <class T>
void run_typed(const StridedCopy& copy, const T* from, T* to, int threads) {
  const size_t rank = copy.dims.size();
  from += copy.from_offset;
  to += copy.to_offset;
  if (rank == 0) {
    *to = *from;
    return;
  }
  const bool planes = rank >= 2 && copy.from[rank - 1] != 1 && copy.from[rank - 2] == 1;
  const size_t inner = planes ? 2 : 1;
  const int64_t outer = element_count(std::span(copy.dims).first(rank - inner));
  const int64_t piece = element_count(std::span(copy.dims).subspan(rank - inner));
  if (outer == 0 || piece == 0) return;
  auto body = [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      int64_t rest = o, f = 0, t = 0;
      for (size_t i = rank - inner; i-- > 0;) {
        const int64_t at = rest % copy.dims[i];
        rest /= copy.dims[i];
        f += at * copy.from[i];
        t += at * copy.to[i];
      }
      if (planes) {
        transpose_plane(from + f, to + t, copy.dims[rank - 2], copy.dims[rank - 1],
                        copy.from[rank - 2], copy.from[rank - 1], copy.to[rank - 2],
                        copy.to[rank - 1]);
      } else {
        copy_line(from + f, to + t, copy.dims[rank - 1], copy.from[rank - 1], copy.to[rank - 1]);
      }
    }
  };
  parallel_for(outer, std::max<int64_t>(1, (1 << 15) / piece), threads, body);
}

}  // namespace

Dims strides_of(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

StridedCopy prepared(StridedCopy copy) {
  // Axes in the order of the destination's memory; then neighbours that run on are joined.
  std::vector<size_t> order;
  for (size_t i = 0; i < copy.dims.size(); ++i) {
    if (copy.dims[i] != 1) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return copy.to[a] > copy.to[b]; });
  StridedCopy out = copy;
  out.dims.clear();
  out.from.clear();
  out.to.clear();
  for (size_t i : order) {
    const int64_t n = copy.dims[i];
    if (!out.dims.empty() && out.to.back() == n * copy.to[i] &&
        out.from.back() == n * copy.from[i]) {
      out.dims.back() *= n;
      out.to.back() = copy.to[i];
      out.from.back() = copy.from[i];
    } else {
      out.dims.push_back(n);
      out.to.push_back(copy.to[i]);
      out.from.push_back(copy.from[i]);
    }
  }
  // The axis along which the source is contiguous goes next to the last: planes are transposed in
  // tiles.
  const size_t rank = out.dims.size();
  if (rank >= 2 && out.from.back() != 1) {
    for (size_t i = 0; i + 1 < rank; ++i) {
      if (out.from[i] != 1) continue;
      for (auto* list : {&out.dims, &out.from, &out.to})
        std::rotate(list->begin() + static_cast<std::ptrdiff_t>(i),
                    list->begin() + static_cast<std::ptrdiff_t>(i) + 1, list->end() - 1);
      break;
    }
  }
  return out;
}

void run(const StridedCopy& copy, const std::byte* from, std::byte* to, int threads) {
  auto typed = [&]<class T>(T) {
    run_typed(copy, reinterpret_cast<const T*>(from), reinterpret_cast<T*>(to), threads);
  };
  switch (copy.width) {
    case 1:
      return typed(uint8_t{});
    case 2:
      return typed(uint16_t{});
    case 4:
      return typed(uint32_t{});
    default:
      return typed(uint64_t{});
  }
}

Prepared copying_kernel(const StridedCopy& copy, int threads) {
  Prepared out;
  if (element_count(copy.dims) == 0) {
    out.run = [](const Args&) { return Status{}; };
    return out;
  }
  out.run = [copy = prepared(copy), threads](const Args& args) {
    run(copy, args.in[0], args.out[0], threads);
    return Status{};
  };
  return out;
}

}  // namespace tenon::cpu
