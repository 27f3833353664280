// Reductions over any axes. Where the last axis goes, row by row; where it stays, blocks of columns
// side by side.
#include "ops/reduce/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>
#include <vector>

#include "ir/op.h"
#include "ops/reduce/reduce.kernel.h"
#include "targets/cpu/copy.h"
#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace reduce_kernels {
namespace {

bool supports(const ir::Node& node) {
  if (!node.input(0)->type.is_tensor()) return false;
  const DType type = node.input(0)->dtype();
  return type == DType::f32 || type == DType::f64 || type == DType::i32 || type == DType::i64;
}

bool supports_f32(const ir::Node& node) {
  return node.input(0)->type.is_tensor() && node.input(0)->dtype() == DType::f32;
}

// Offsets of what is left and of what goes together; the last axis, of `run` elements, belongs to
// the results (`columns`) or to what is folded.
struct Plan {
  std::vector<int64_t> kept, gone;
  int64_t run = 1;
  bool columns = false;

  int64_t results() const { return static_cast<int64_t>(kept.size()) * (columns ? run : 1); }
  int64_t folded() const { return static_cast<int64_t>(gone.size()) * (columns ? 1 : run); }
};

std::vector<int64_t> offsets(const std::vector<std::pair<int64_t, int64_t>>& axes) {
  std::vector<int64_t> out{0};
  for (const auto& [size, stride] : axes) {
    std::vector<int64_t> next;
    next.reserve(out.size() * static_cast<size_t>(size));
    for (const int64_t base : out) {
      for (int64_t i = 0; i < size; ++i) next.push_back(base + i * stride);
    }
    out = std::move(next);
  }
  return out;
}

Plan plan_of(const Dims& dims, const std::vector<bool>& goes) {
  const Dims strides = cpu::strides_of(dims);
  std::vector<std::pair<int64_t, int64_t>> kept, gone;  // sizes and strides
  Plan plan;
  size_t end = dims.size();
  while (end > 0 && dims[end - 1] == 1) --end;
  plan.columns = end > 0 && !goes[end - 1];
  // Axes before the last that share its fate run on with it.
  while (end > 0 && (dims[end - 1] == 1 || goes[end - 1] == !plan.columns)) plan.run *= dims[--end];
  for (size_t i = 0; i < end; ++i) (goes[i] ? gone : kept).emplace_back(dims[i], strides[i]);
  plan.kept = offsets(kept);
  plan.gone = offsets(gone);
  return plan;
}

// What a kind of reduction does with the elements: `Held` is what it holds of them meanwhile.
template <class T>
using Exact = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;

struct SumOf {
  template <class T>
  using Held = Exact<T>;
  template <class A>
  static A first() {
    return 0;
  }
  template <class A>
  static A step(A sum, A v) {
    return sum + v;
  }
  static double row(const float* x, size_t n) { return sum_of_row(x, n); }
};
struct ProductOf {
  template <class T>
  using Held = Exact<T>;
  template <class A>
  static A first() {
    return 1;
  }
  template <class A>
  static A step(A product, A v) {
    return product * v;
  }
};
struct SquaresOf : SumOf {
  template <class A>
  static A step(A sum, A v) {
    return sum + v * v;
  }
  static double row(const float* x, size_t n) { return sum_of_squares(x, n); }
};
struct MagnitudesOf : SumOf {
  template <class A>
  static A step(A sum, A v) {
    return sum + std::abs(v);
  }
  static double row(const float* x, size_t n) { return sum_of_magnitudes(x, n); }
};
template <bool kMax>
struct ExtremeOf {
  template <class T>
  using Held = T;
  template <class A>
  static A first() {
    using Limits = std::numeric_limits<A>;
    if constexpr (Limits::has_infinity) return kMax ? -Limits::infinity() : Limits::infinity();
    return kMax ? Limits::lowest() : Limits::max();
  }
  // NaN stays.
  template <class A>
  static A step(A best, A v) {
    return (kMax ? v > best : v < best) || v != v ? v : best;
  }
  static float row(const float* x, size_t n) {
    return kMax ? largest_of_row(x, n) : smallest_of_row(x, n);
  }
};

template <class Fold>
constexpr bool kHasRow = requires(const float* x) { Fold::row(x, size_t{1}); };

// Folds results [begin, end), where `columns`, of whole rows of them; give(result, held).
template <class Fold, class T, class Give>
void fold_rows(const Plan& plan, const T* x, int64_t begin, int64_t end, Give&& give) {
  using A = typename Fold::template Held<T>;
  for (int64_t r = begin; r < end; ++r) {
    A held = Fold::template first<A>();
    for (const int64_t offset : plan.gone) {
      const T* row = x + plan.kept[static_cast<size_t>(r)] + offset;
      if constexpr (std::is_same_v<T, float> && kHasRow<Fold>) {
        const A part = Fold::row(row, static_cast<size_t>(plan.run));
        // Sums of squares are summed, not squared again.
        if constexpr (std::is_base_of_v<SumOf, Fold>)
          held = held + part;
        else
          held = Fold::step(held, part);
      } else {
        for (int64_t i = 0; i < plan.run; ++i) held = Fold::step(held, static_cast<A>(row[i]));
      }
    }
    give(r, held);
  }
}

constexpr int64_t kBlock = 128;  // of columns

template <class Fold, class T, class Give>
void fold_columns(const Plan& plan, const T* x, int64_t begin, int64_t end, Give&& give) {
  using A = typename Fold::template Held<T>;
  std::array<A, kBlock> held;
  for (int64_t r = begin; r < end;) {
    const int64_t column = r % plan.run;
    const int64_t width = std::min({kBlock, plan.run - column, end - r});
    held.fill(Fold::template first<A>());
    const T* from = x + plan.kept[static_cast<size_t>(r / plan.run)] + column;
    const auto over = [&](int64_t n) {
      for (const int64_t offset : plan.gone) {
        for (int64_t j = 0; j < n; ++j)
          held[static_cast<size_t>(j)] =
              Fold::step(held[static_cast<size_t>(j)], static_cast<A>(from[offset + j]));
      }
    };
    if (width == kBlock)
      over(kBlock);  // a constant: the compiler makes vectors of it
    else
      over(width);
    for (int64_t j = 0; j < width; ++j) give(r + j, held[static_cast<size_t>(j)]);
    r += width;
  }
}

template <class Fold, class T, class Give>
void fold(const Plan& plan, const T* x, int threads, Give&& give) {
  const int64_t grain = std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(plan.folded(), 1));
  cpu::parallel_for(plan.results(), plan.columns ? std::max(grain, kBlock) : grain, threads,
                    [&](int64_t begin, int64_t end) {
                      if (plan.columns)
                        fold_columns<Fold>(plan, x, begin, end, give);
                      else
                        fold_rows<Fold>(plan, x, begin, end, give);
                    });
}

template <class Op>
Result<Plan> plan(cpu::MakeContext& context) {
  const Dims& dims = context.in(0).dims;
  std::vector<bool> goes(dims.size(), true);
  if (context.has(1)) {
    const Tensor* given = context.inputs[1].constant;
    if (given == nullptr || given->dtype() != DType::i64 || !given->has_data())
      return context.refuse("axes that are computed");
    if (given->count() > 0) goes.assign(dims.size(), false);
    for (const int64_t one : given->values<int64_t>()) {
      const auto axis = ir::normalize_axis(one, dims.size());
      if (!axis) return context.refuse("an axis out of range");
      goes[*axis] = true;
    }
  }
  const bool all = !context.has(1) || context.in(1).count() == 0;
  if (all && context.node.as<Op>().noop_with_empty_axes)
    return context.refuse("no axis to reduce over");
  if (context.in(0).count() == 0) return context.refuse("nothing to reduce");
  return plan_of(dims, goes);
}

// `last(held, count)` gives the result.
template <class Op, class Fold, class Last>
Result<cpu::Prepared> make_fold(cpu::MakeContext& context, Last last) {
  auto planned = std::make_shared<const Plan>(TRY(plan<Op>(context)));
  cpu::Prepared prepared;
  prepared.run = [planned, last, type = context.in(0).dtype,
                  threads = context.threads](const cpu::Args& args) -> Status {
    const auto as = [&]<class T>(T) {
      auto* y = reinterpret_cast<T*>(args.out[0]);
      fold<Fold>(*planned, reinterpret_cast<const T*>(args.in[0]), threads,
                 [y, last, count = planned->folded()](int64_t r, auto held) {
                   y[r] = static_cast<T>(last(static_cast<T>(0), held, count));
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

template <class Op, class Fold>
Result<cpu::Prepared> make(cpu::MakeContext& context) {
  return make_fold<Op, Fold>(context, [](auto, auto held, int64_t) { return held; });
}

Result<cpu::Prepared> make_mean(cpu::MakeContext& context) {
  return make_fold<ReduceMean, SumOf>(context, []<class T>(T, auto sum, int64_t count) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<int64_t>(sum) / count;
    else
      return sum / static_cast<double>(count);
  });
}

// Of floats alone.
template <class Op, class Fold, class Last>
Result<cpu::Prepared> make_f32(cpu::MakeContext& context, Last last) {
  auto planned = std::make_shared<const Plan>(TRY(plan<Op>(context)));
  cpu::Prepared prepared;
  prepared.run = [planned, last, threads = context.threads](const cpu::Args& args) -> Status {
    float* y = args.f32_out();
    fold<Fold>(*planned, args.f32(0), threads,
               [=](int64_t r, double held) { y[r] = static_cast<float>(last(held)); });
    return {};
  };
  return prepared;
}

Result<cpu::Prepared> make_l1(cpu::MakeContext& context) {
  return make_f32<ReduceL1, MagnitudesOf>(context, [](double v) { return v; });
}
Result<cpu::Prepared> make_l2(cpu::MakeContext& context) {
  return make_f32<ReduceL2, SquaresOf>(context, [](double v) { return std::sqrt(v); });
}
Result<cpu::Prepared> make_log_sum(cpu::MakeContext& context) {
  return make_f32<ReduceLogSum, SumOf>(context, [](double v) { return std::log(v); });
}

constexpr cpu::KernelSpec of_numbers(std::string_view op,
                                     Result<cpu::Prepared> (*make)(cpu::MakeContext&)) {
  return {.op = op, .tactic = "fold", .supports = supports, .make = make};
}
constexpr cpu::KernelSpec of_floats(std::string_view op,
                                    Result<cpu::Prepared> (*make)(cpu::MakeContext&)) {
  return {.op = op, .tactic = "fold", .supports = supports_f32, .make = make};
}

constexpr std::array kKernels = {
    of_numbers("ReduceSum", make<ReduceSum, SumOf>),
    of_numbers("ReduceProd", make<ReduceProd, ProductOf>),
    of_numbers("ReduceSumSquare", make<ReduceSumSquare, SquaresOf>),
    of_numbers("ReduceMax", make<ReduceMax, ExtremeOf<true>>),
    of_numbers("ReduceMin", make<ReduceMin, ExtremeOf<false>>),
    of_numbers("ReduceMean", make_mean),
    of_floats("ReduceL1", make_l1),
    of_floats("ReduceL2", make_l2),
    of_floats("ReduceLogSum", make_log_sum),
};

}  // namespace
}  // namespace reduce_kernels

std::span<const cpu::KernelSpec> reduce_cpu() { return reduce_kernels::kKernels; }

}  // namespace tenon::ops
