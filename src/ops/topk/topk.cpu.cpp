// TopK: the k first are found without sorting the rest, as integers that order as the elements do.
#include "ops/topk/topk.h"

#include <array>
#include <bit>
#include <limits>

#include "ir/op.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace topk_kernels {
namespace {

bool supports(const ir::Node& node) {
  const auto* x = node.input(0);
  if (!x->type.is_tensor()) return false;
  const DType type = x->dtype();
  return type == DType::f32 || type == DType::f64 || type == DType::i32 || type == DType::i64;
}

// An unsigned integer for each element that orders as the elements do: zeros of both signs are
// equal, NaN is above all.
template <class T>
auto rank_of(T v) {
  using U = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr U kSign = U{1} << (8 * sizeof(T) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    if (v != v) return std::numeric_limits<U>::max();
    const U bits = std::bit_cast<U>(v + T{0});
    return static_cast<U>((bits & kSign) != 0 ? ~bits : bits | kSign);
  } else {
    return static_cast<U>(static_cast<U>(v) ^ kSign);
  }
}

template <class U>
struct Entry {
  U rank;
  uint32_t place;
  bool operator<(const Entry& other) const {
    return rank != other.rank ? rank < other.rank : place < other.place;
  }
};

struct Sizes {
  int64_t rows, n, k, inner;
};

template <class T>
void rows(const Sizes& s, bool largest, const T* x, T* values, int64_t* places, int64_t begin,
          int64_t end) {
  using U = decltype(rank_of(T{}));
  std::vector<Entry<U>> entries(static_cast<size_t>(s.n));
  for (int64_t row = begin; row < end; ++row) {
    const T* from = x + row / s.inner * s.n * s.inner + row % s.inner;
    for (int64_t i = 0; i < s.n; ++i) {
      const U rank = rank_of(from[i * s.inner]);
      entries[static_cast<size_t>(i)] = {static_cast<U>(largest ? ~rank : rank),
                                         static_cast<uint32_t>(i)};
    }
    const auto middle = entries.begin() + s.k;
    if (s.k < s.n) std::nth_element(entries.begin(), middle, entries.end());
    std::sort(entries.begin(), middle);
    const int64_t to = row / s.inner * s.k * s.inner + row % s.inner;
    for (int64_t i = 0; i < s.k; ++i) {
      const int64_t place = entries[static_cast<size_t>(i)].place;
      if (values) values[to + i * s.inner] = from[place * s.inner];
      if (places) places[to + i * s.inner] = place;
    }
  }
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc& x = context.in(0);
  const auto op = context.node.as<TopK>();
  const auto axis = ir::normalize_axis(op.axis, x.dims.size());
  if (!axis) return context.refuse("an axis out of range");
  const cpu::Desc& out = context.outputs[context.outputs[0].present() ? 0 : 1];
  if (!out.present()) return context.refuse("no result in use");
  const Sizes sizes{.rows = element_count(std::span(x.dims).first(*axis)) *
                            element_count(std::span(x.dims).subspan(*axis + 1)),
                    .n = x.dims[*axis],
                    .k = out.dims[*axis],
                    .inner = element_count(std::span(x.dims).subspan(*axis + 1))};
  if (sizes.k > sizes.n || sizes.n > std::numeric_limits<uint32_t>::max())
    return context.refuse("K is not between 0 and the size of the axis");
  cpu::Prepared prepared;
  prepared.run = [sizes, largest = op.largest, type = x.dtype,
                  threads = context.threads](const cpu::Args& args) -> Status {
    auto* places = args.out.size() > 1 ? reinterpret_cast<int64_t*>(args.out[1]) : nullptr;
    const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(sizes.n, 1));
    cpu::parallel_for(sizes.rows, grain, threads, [&](int64_t begin, int64_t end) {
      const auto as = [&]<class T>(T) {
        rows(sizes, largest, reinterpret_cast<const T*>(args.in[0]),
             reinterpret_cast<T*>(args.out[0]), places, begin, end);
      };
      if (type == DType::f32) return as(float{});
      if (type == DType::f64) return as(double{});
      return type == DType::i32 ? as(int32_t{}) : as(int64_t{});
    });
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "TopK", .tactic = "select", .supports = supports, .make = make},
};

}  // namespace
}  // namespace topk_kernels

std::span<const cpu::KernelSpec> topk_cpu() { return topk_kernels::kKernels; }

}  // namespace tenon::ops
