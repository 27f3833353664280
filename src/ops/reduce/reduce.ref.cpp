#include "ops/reduce/reduce.h"

#include <limits>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

struct ReducedShape {
  Dims out;                             // of the result
  std::vector<int64_t> kept, together;  // offsets of each result's first element; and inside
  bool nothing = false;                 // no axis goes
};

Result<ReducedShape> reduced_shape(RefContext& c, bool keepdims, bool noop) {
  TRY(need_computable(c));
  const Dims& dims = c.input(0).shape();
  std::vector<bool> goes(dims.size(), true);
  std::vector<int64_t> axes;
  if (c.has(1)) axes = TRY(integer_input(c, 1));
  ReducedShape r;
  r.nothing = axes.empty() && noop;
  if (!axes.empty()) std::fill(goes.begin(), goes.end(), false);
  for (int64_t axis : axes) goes[TRY(axis_at(c, axis, dims.size()))] = true;
  const Dims strides = strides_of(dims);
  Dims kept, kept_strides, gone, gone_strides;
  for (size_t i = 0; i < dims.size(); ++i) {
    (goes[i] ? gone : kept).push_back(dims[i]);
    (goes[i] ? gone_strides : kept_strides).push_back(strides[i]);
    if (!goes[i])
      r.out.push_back(dims[i]);
    else if (keepdims)
      r.out.push_back(1);
  }
  r.kept = offsets(kept, kept_strides);
  r.together = offsets(gone, gone_strides);
  return r;
}

// Folds the elements of each result with f, starting with `first`; then `last(sum, count)`.
template <class C, class F, class L>
void fold(RefContext& c, const ReducedShape& r, C first, F&& f, L&& last) {
  const std::vector<C> values = elements<C>(c.input(0));
  std::vector<C> out;
  out.reserve(r.kept.size());
  for (int64_t base : r.kept) {
    C sum = first;
    for (int64_t offset : r.together) sum = f(sum, values[static_cast<size_t>(base + offset)]);
    out.push_back(last(sum, r.together.size()));
  }
  c.outputs[0] = from_elements<C>(c.input(0).dtype(), r.out, out);
}

template <class Op>
Result<ReducedShape> begin_reduction(RefContext& c) {
  const auto op = c.as<Op>();
  ReducedShape r = TRY(reduced_shape(c, op.keepdims, op.noop_with_empty_axes));
  if (r.nothing) {
    // Each element is reduced by itself.
    r.out = c.input(0).shape();
    r.kept = offsets(r.out, strides_of(r.out));
    r.together = {0};
  }
  return r;
}

// A reduction over integers (exact, wrapping) or floats (in double).
template <class Op, class F>
Status run_number(RefContext& c, int64_t first, F&& f) {
  const ReducedShape r = TRY(begin_reduction<Op>(c));
  auto same = [](auto v, size_t) { return v; };
  const DType dtype = c.input(0).dtype();
  if (is_integral(dtype))
    fold<uint64_t>(c, r, static_cast<uint64_t>(first), f, same);
  else
    fold<double>(c, r, static_cast<double>(first), f, same);
  return {};
}

template <class Op, class F, class L>
Status run_float(RefContext& c, F&& f, L&& last) {
  const ReducedShape r = TRY(begin_reduction<Op>(c));
  fold<double>(c, r, 0.0, f, last);
  return {};
}

// The most extreme value that the type holds, where nothing is reduced.
template <class C>
C extreme(DType dtype, bool largest) {
  if constexpr (std::is_same_v<C, double>) {
    return largest ? INFINITY : -INFINITY;
  } else {
    const int width = bits(dtype);
    if (dtype == DType::boolean) return largest ? 1 : 0;
    if (std::is_same_v<C, uint64_t>) return largest ? std::numeric_limits<C>::max() : 0;
    const bool is_unsigned = dtype == DType::u8 || dtype == DType::u16 || dtype == DType::u32;
    if (is_unsigned) return largest ? static_cast<C>((uint64_t{1} << width) - 1) : 0;
    const auto top = static_cast<int64_t>((uint64_t{1} << (width - 1)) - 1);
    return static_cast<C>(largest ? top : -top - 1);
  }
}

template <class Op>
Status run_extreme(RefContext& c) {
  constexpr bool kMax = std::is_same_v<Op, ReduceMax>;
  const ReducedShape r = TRY(begin_reduction<Op>(c));
  const DType dtype = c.input(0).dtype();
  auto pick = [](auto a, auto b) {
    return a != a ? a : b != b ? b : kMax ? std::max(a, b) : std::min(a, b);
  };
  auto same = [](auto v, size_t) { return v; };
  if (dtype == DType::u64)
    fold<uint64_t>(c, r, extreme<uint64_t>(dtype, !kMax), pick, same);
  else if (is_floating(dtype))
    fold<double>(c, r, extreme<double>(dtype, !kMax), pick, same);
  else
    fold<int64_t>(c, r, extreme<int64_t>(dtype, !kMax), pick, same);
  return {};
}

Status run_reduce_mean(RefContext& c) {
  const ReducedShape r = TRY(begin_reduction<ReduceMean>(c));
  if (is_integral(c.input(0).dtype())) {
    fold<int64_t>(
        c, r, int64_t{0}, [](int64_t a, int64_t b) { return a + b; },
        [](int64_t sum, size_t n) { return n == 0 ? 0 : sum / static_cast<int64_t>(n); });
  } else {
    fold<double>(
        c, r, 0.0, [](double a, double b) { return a + b; },
        [](double sum, size_t n) { return sum / static_cast<double>(n); });
  }
  return {};
}

Status run_log_sum_exp(RefContext& c) {
  const ReducedShape r = TRY(begin_reduction<ReduceLogSumExp>(c));
  const auto values = elements<double>(c.input(0));
  std::vector<double> out;
  for (int64_t base : r.kept) {
    double largest = -INFINITY, sum = 0;
    for (int64_t offset : r.together)
      largest = std::max(largest, values[static_cast<size_t>(base + offset)]);
    const double shift = std::isinf(largest) ? 0 : largest;
    for (int64_t offset : r.together)
      sum += std::exp(values[static_cast<size_t>(base + offset)] - shift);
    out.push_back(std::log(sum) + shift);
  }
  c.outputs[0] = from_elements<double>(c.input(0).dtype(), r.out, out);
  return {};
}

double same_sum(double v, size_t) { return v; }

}  // namespace

std::span<const RefKernel> reduce_ref() {
  static constexpr RefKernel kernels[] = {
      kernel<ReduceSum>([](RefContext& c) {
        return run_number<ReduceSum>(c, 0, [](auto a, auto b) { return a + b; });
      }),
      kernel<ReduceProd>([](RefContext& c) {
        return run_number<ReduceProd>(c, 1, [](auto a, auto b) { return a * b; });
      }),
      kernel<ReduceSumSquare>([](RefContext& c) {
        return run_number<ReduceSumSquare>(c, 0, [](auto a, auto b) { return a + b * b; });
      }),
      kernel<ReduceMean>(run_reduce_mean),
      kernel<ReduceMax>(run_extreme<ReduceMax>),
      kernel<ReduceMin>(run_extreme<ReduceMin>),
      kernel<ReduceL1>([](RefContext& c) {
        return run_float<ReduceL1>(
            c, [](double a, double b) { return a + std::fabs(b); }, same_sum);
      }),
      kernel<ReduceL2>([](RefContext& c) {
        return run_float<ReduceL2>(
            c, [](double a, double b) { return a + b * b; },
            [](double sum, size_t) { return std::sqrt(sum); });
      }),
      kernel<ReduceLogSum>([](RefContext& c) {
        return run_float<ReduceLogSum>(
            c, [](double a, double b) { return a + b; },
            [](double sum, size_t) { return std::log(sum); });
      }),
      kernel<ReduceLogSumExp>(run_log_sum_exp),
  };
  return kernels;
}

}  // namespace tenon::ops
