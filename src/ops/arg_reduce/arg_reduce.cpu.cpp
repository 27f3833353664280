// ArgMax and ArgMin along any axis.
#include "ops/arg_reduce/arg_reduce.h"

#include <array>
#include <vector>

#include "ir/op.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace arg_reduce_kernels {
namespace {

bool supports(const ir::Node& node) {
  if (!node.input(0)->type.is_tensor()) return false;
  const DType type = node.input(0)->dtype();
  return type == DType::f32 || type == DType::f64 || type == DType::i32 || type == DType::i64;
}

struct Sizes {
  int64_t outer, n, inner;
};

// Lines [begin, end) of `inner` that lie side by side: the best so far of each, step by step.
template <class T, bool kMax>
void lines(const Sizes& s, bool last, const T* x, int64_t* y, int64_t begin, int64_t end) {
  if (s.inner == 1) {
    int64_t best = 0;
    for (int64_t i = 1; i < s.n; ++i) {
      if ((kMax ? x[i] > x[best] : x[i] < x[best]) || (last && x[i] == x[best])) best = i;
    }
    *y = best;
    return;
  }
  std::vector<T> best(x + begin, x + end);
  std::fill(y + begin, y + end, 0);
  for (int64_t i = 1; i < s.n; ++i) {
    const T* row = x + i * s.inner;
    for (int64_t j = begin; j < end; ++j) {
      T& held = best[static_cast<size_t>(j - begin)];
      if ((kMax ? row[j] > held : row[j] < held) || (last && row[j] == held)) {
        held = row[j];
        y[j] = i;
      }
    }
  }
}

template <class Op>
Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const cpu::Desc& x = context.in(0);
  const auto op = context.node.as<Op>();
  const auto axis = ir::normalize_axis(op.axis, x.dims.size());
  if (!axis || x.dims[*axis] == 0) return context.refuse("an axis out of range, or empty");
  const Sizes sizes{element_count(std::span(x.dims).first(*axis)), x.dims[*axis],
                    element_count(std::span(x.dims).subspan(*axis + 1))};
  cpu::Prepared prepared;
  prepared.run = [sizes, last = op.select_last_index, type = x.dtype,
                  threads = context.threads](const cpu::Args& args) -> Status {
    const auto as = [&]<class T>(T) {
      const int64_t grain = std::max<int64_t>(1, (1 << 14) / sizes.n);
      const auto run = [&](int64_t o, int64_t begin, int64_t end) {
        lines<T, std::is_same_v<Op, ArgMax>>(
            sizes, last, reinterpret_cast<const T*>(args.in[0]) + o * sizes.n * sizes.inner,
            reinterpret_cast<int64_t*>(args.out[0]) + o * sizes.inner, begin, end);
      };
      if (sizes.outer == 1) {
        cpu::parallel_for(sizes.inner, grain, threads,
                          [&](int64_t begin, int64_t end) { run(0, begin, end); });
        return;
      }
      cpu::parallel_for(sizes.outer,
                        std::max<int64_t>(1, grain / std::max<int64_t>(sizes.inner, 1)), threads,
                        [&](int64_t begin, int64_t end) {
                          for (int64_t o = begin; o < end; ++o) run(o, 0, sizes.inner);
                        });
    };
    if (type == DType::f32)
      as(float{});
    else if (type == DType::f64)
      as(double{});
    else if (type == DType::i32)
      as(int32_t{});
    else
      as(int64_t{});
    return {};
  };
  return prepared;
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "ArgMax", .tactic = "lines", .supports = supports, .make = make<ArgMax>},
    cpu::KernelSpec{.op = "ArgMin", .tactic = "lines", .supports = supports, .make = make<ArgMin>},
};

}  // namespace
}  // namespace arg_reduce_kernels

std::span<const cpu::KernelSpec> arg_reduce_cpu() { return arg_reduce_kernels::kKernels; }

}  // namespace tenon::ops
