// Reductions over f32 and integers. Axes that lie side by side are joined; what is left is one of
// three forms: rows that are folded, columns that are folded, or a mixture, element by element.
#include "ops/reduce/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ir/integers.h"
#include "targets/cpu/copy.h"

namespace tenon::ops {
namespace reduce_kernels {
namespace {

// The tensor as [outer, middle, inner], of which the middle goes; `mixed` where it is not of that
// form, and then kept and gone axes with their strides.
struct Form {
  int64_t outer = 1, middle = 1, inner = 1;
  bool mixed = false;
  Dims kept, kept_strides, gone, gone_strides;
  int64_t results() const { return mixed ? element_count(kept) : outer * inner; }
};

// What the middle of the tensor is, by dimension; nullopt where the axes are not known.
template <class Op>
std::optional<std::vector<bool>> reduced_axes(const cpu::MakeContext& context, const Op& op) {
  const auto rank = static_cast<int64_t>(context.in(0).dims.size());
  std::vector<int64_t> axes;
  if (context.has(1)) {
    if (context.inputs[1].constant == nullptr) return std::nullopt;
    const auto given = ir::integers(*context.inputs[1].constant);
    if (!given) return std::nullopt;
    axes = *given;
  }
  if (axes.empty()) return std::vector<bool>(static_cast<size_t>(rank), !op.noop_with_empty_axes);
  std::vector<bool> goes(static_cast<size_t>(rank), false);
  for (const int64_t axis : axes) {
    const int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) return std::nullopt;
    goes[static_cast<size_t>(at)] = true;
  }
  return goes;
}

Form form_of(const Dims& dims, const std::vector<bool>& goes) {
  const Dims strides = cpu::strides_of(dims);
  Form f;
  // Whether the axes come as kept, gone, kept.
  int changes = 0;
  bool last = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    (goes[i] ? f.gone : f.kept).push_back(dims[i]);
    (goes[i] ? f.gone_strides : f.kept_strides).push_back(strides[i]);
    if (dims[i] == 1) continue;
    if (goes[i] != last) ++changes, last = goes[i];
    (changes == 0 ? f.outer : changes == 1 ? f.middle : f.inner) *= dims[i];
  }
  f.mixed = changes > 2;
  return f;
}

// --- what is folded: first, each element, parts with each other, and at the end. Sums of f32 are
// sums of doubles.

template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, uint64_t>;

template <class T>
struct Sum {
  using Acc = Wide<T>;
  static Acc first() { return 0; }
  static Acc fold(Acc a, T v) { return a + static_cast<Acc>(v); }
  static Acc join(Acc a, Acc b) { return a + b; }
  static T last(Acc a, int64_t) { return static_cast<T>(a); }
};
template <class T>
struct Product {
  using Acc = Wide<T>;
  static Acc first() { return 1; }
  static Acc fold(Acc a, T v) { return a * static_cast<Acc>(v); }
  static Acc join(Acc a, Acc b) { return a * b; }
  static T last(Acc a, int64_t) { return static_cast<T>(a); }
};
template <class T>
struct SumSquare {
  using Acc = Wide<T>;
  static Acc first() { return 0; }
  static Acc fold(Acc a, T v) { return a + static_cast<Acc>(v) * static_cast<Acc>(v); }
  static Acc join(Acc a, Acc b) { return a + b; }
  static T last(Acc a, int64_t) { return static_cast<T>(a); }
};
struct Mean : Sum<float> {
  static float last(double a, int64_t n) { return static_cast<float>(a / static_cast<double>(n)); }
};
struct Norm : SumSquare<float> {
  static float last(double a, int64_t) { return static_cast<float>(std::sqrt(a)); }
};
struct AbsoluteSum {
  using Acc = double;
  static double first() { return 0; }
  static double fold(double a, float v) { return a + std::fabs(static_cast<double>(v)); }
  static double join(double a, double b) { return a + b; }
  static float last(double a, int64_t) { return static_cast<float>(a); }
};
// NaN stays.
template <class T, bool max>
struct Extreme {
  using Acc = T;
  static T first() {
    if constexpr (std::is_same_v<T, float>) return max ? -INFINITY : INFINITY;
    return max ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
  }
  static T fold(T a, T v) { return (max ? v > a : v < a) || v != v ? v : a; }
  static T join(T a, T b) { return fold(a, b); }
  static T last(T a, int64_t) { return a; }
};

// Several results side by side: the compiler folds them as vectors.
constexpr int64_t kLanes = 16;

template <class F, class T>
void rows(const Form& f, const T* x, T* y, int64_t begin, int64_t end) {
  using Acc = typename F::Acc;
  for (int64_t row = begin; row < end; ++row) {
    const T* from = x + row * f.middle;
    Acc part[kLanes];
    std::fill_n(part, kLanes, F::first());
    int64_t i = 0;
    for (; i + kLanes <= f.middle; i += kLanes) {
      for (int64_t l = 0; l < kLanes; ++l) part[l] = F::fold(part[l], from[i + l]);
    }
    for (int64_t l = 0; i < f.middle; ++i, ++l) part[l] = F::fold(part[l], from[i]);
    Acc all = part[0];
    for (int64_t l = 1; l < kLanes; ++l) all = F::join(all, part[l]);
    y[row] = F::last(all, f.middle);
  }
}

template <class F, class T>
void columns(const Form& f, const T* x, T* y, int64_t begin, int64_t end) {
  using Acc = typename F::Acc;
  const int64_t blocks = (f.inner + kLanes - 1) / kLanes;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t outer = task / blocks, start = task % blocks * kLanes;
    const int64_t count = std::min(kLanes, f.inner - start);
    const T* from = x + outer * f.middle * f.inner + start;
    Acc part[kLanes];
    std::fill_n(part, kLanes, F::first());
    if (count == kLanes) {
      for (int64_t m = 0; m < f.middle; ++m, from += f.inner) {
        for (int64_t l = 0; l < kLanes; ++l) part[l] = F::fold(part[l], from[l]);
      }
    } else {
      for (int64_t m = 0; m < f.middle; ++m, from += f.inner) {
        for (int64_t l = 0; l < count; ++l) part[l] = F::fold(part[l], from[l]);
      }
    }
    for (int64_t l = 0; l < count; ++l) y[outer * f.inner + start + l] = F::last(part[l], f.middle);
  }
}

// The offset of the element with this number among the axes.
int64_t offset_of(int64_t number, const Dims& dims, const Dims& strides) {
  int64_t offset = 0;
  for (size_t d = dims.size(); d-- > 0;) {
    offset += number % dims[d] * strides[d];
    number /= dims[d];
  }
  return offset;
}

template <class F, class T>
void mixture(const Form& f, const T* x, T* y, int64_t begin, int64_t end) {
  const int64_t count = element_count(f.gone);
  const int64_t last = f.gone.back(), step = f.gone_strides.back();
  for (int64_t r = begin; r < end; ++r) {
    const T* base = x + offset_of(r, f.kept, f.kept_strides);
    auto all = F::first();
    for (int64_t i = 0; i < count; i += last) {
      const T* from = base + offset_of(i, f.gone, f.gone_strides);
      for (int64_t k = 0; k < last; ++k) all = F::fold(all, from[k * step]);
    }
    y[r] = F::last(all, count);
  }
}

// A reduction of one type.
template <class F, class T>
std::function<Status(const cpu::Args&)> runner(const Form& form, int threads) {
  return [form, threads](const cpu::Args& args) -> Status {
    const T* x = reinterpret_cast<const T*>(args.in[0]);
    T* y = reinterpret_cast<T*>(args.out[0]);
    const int64_t elements = form.mixed ? element_count(form.gone) : form.middle;
    if (form.results() == 0) return {};
    if (form.mixed) {
      const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(elements, 1));
      cpu::parallel_for(form.results(), grain, threads,
                        [&](int64_t begin, int64_t end) { mixture<F>(form, x, y, begin, end); });
    } else if (form.inner == 1) {
      const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(elements, 1));
      cpu::parallel_for(form.outer, grain, threads,
                        [&](int64_t begin, int64_t end) { rows<F>(form, x, y, begin, end); });
    } else {
      const int64_t tasks = form.outer * ((form.inner + kLanes - 1) / kLanes);
      const int64_t grain = std::max<int64_t>(1, 16384 / kLanes / std::max<int64_t>(elements, 1));
      cpu::parallel_for(tasks, grain, threads,
                        [&](int64_t begin, int64_t end) { columns<F>(form, x, y, begin, end); });
    }
    return {};
  };
}

// By type: F is for f32, and a template for what takes integers too.
template <class Op, class F>
Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto goes = reduced_axes(context, context.node.as<Op>());
  if (!goes) return context.refuse("axes that are computed");
  const Form form = form_of(context.in(0).dims, *goes);
  if (form.results() != context.outputs[0].count())
    return context.refuse("a result of another size");
  if (context.in(0).count() == 0) return context.refuse("an empty tensor");
  cpu::Prepared out;
  switch (context.in(0).dtype) {
    case DType::f32:
      out.run = runner<typename F::template Of<float>, float>(form, context.threads);
      return out;
    case DType::i64:
      if constexpr (F::kIntegers)
        out.run = runner<typename F::template Of<int64_t>, int64_t>(form, context.threads);
      break;
    case DType::i32:
      if constexpr (F::kIntegers)
        out.run = runner<typename F::template Of<int32_t>, int32_t>(form, context.threads);
      break;
    case DType::boolean:
    case DType::u8:
      if constexpr (F::kIntegers)
        out.run = runner<typename F::template Of<uint8_t>, uint8_t>(form, context.threads);
      break;
    default:
      break;
  }
  if (!out.run) return context.refuse("another type");
  return out;
}

template <template <class> class F>
struct Numbers {
  static constexpr bool kIntegers = true;
  template <class T>
  using Of = F<T>;
};
template <class F>
struct Floats {
  static constexpr bool kIntegers = false;
  template <class T>
  using Of = F;
};
template <class T>
using Largest = Extreme<T, true>;
template <class T>
using Smallest = Extreme<T, false>;

template <class Op, class F>
constexpr cpu::KernelSpec spec() {
  return {.op = Op::kName, .tactic = "fold", .supports = nullptr, .make = make<Op, F>};
}

constexpr std::array kKernels = {
    spec<ReduceSum, Numbers<Sum>>(),
    spec<ReduceProd, Numbers<Product>>(),
    spec<ReduceSumSquare, Numbers<SumSquare>>(),
    spec<ReduceMax, Numbers<Largest>>(),
    spec<ReduceMin, Numbers<Smallest>>(),
    spec<ReduceMean, Floats<Mean>>(),
    spec<ReduceL1, Floats<AbsoluteSum>>(),
    spec<ReduceL2, Floats<Norm>>(),
};

}  // namespace
}  // namespace reduce_kernels

std::span<const cpu::KernelSpec> reduce_cpu() { return reduce_kernels::kKernels; }

}  // namespace tenon::ops
