// TopK: of each row the largest, by selection, then sorted. Equal elements keep their order; NaN
// counts as the largest.
#include "ops/topk/topk.h"

#include <algorithm>
#include <array>

#include "targets/cpu/kernel.h"

namespace tenon::ops {
namespace topk_kernels {
namespace {

bool supports(const ir::Node& node) {
  const DType type = node.input(0)->dtype();
  return type == DType::f32 || type == DType::i64 || type == DType::i32;
}

template <class T>
struct Item {
  T value;
  int64_t index;
};

template <class T>
bool less(T a, T b) {
  return a == a && (b != b || a < b);
}

template <class T, bool largest>
struct Before {
  bool operator()(const Item<T>& a, const Item<T>& b) const {
    if (largest ? less(b.value, a.value) : less(a.value, b.value)) return true;
    if (largest ? less(a.value, b.value) : less(b.value, a.value)) return false;
    return a.index < b.index;
  }
};

struct Form {
  int64_t n = 0, k = 0, inner = 1, rows = 0;
};

// Row `row` of `rows`; elements of a row lie `inner` apart.
template <class T, bool largest>
void one_row(const Form& f, int64_t row, const T* x, T* values, int64_t* indices,
             std::vector<Item<T>>& items) {
  const T* first = x + row / f.inner * f.n * f.inner + row % f.inner;
  for (int64_t i = 0; i < f.n; ++i) items[static_cast<size_t>(i)] = {first[i * f.inner], i};
  const auto middle = items.begin() + f.k;
  const Before<T, largest> before;
  if (f.k < f.n) std::nth_element(items.begin(), middle, items.end(), before);
  std::sort(items.begin(), middle, before);
  const int64_t to = row / f.inner * f.k * f.inner + row % f.inner;
  for (int64_t i = 0; i < f.k; ++i) {
    values[to + i * f.inner] = items[static_cast<size_t>(i)].value;
    if (indices != nullptr) indices[to + i * f.inner] = items[static_cast<size_t>(i)].index;
  }
}

template <class T, bool largest>
void run(const Form& f, int threads, const cpu::Args& args) {
  const T* x = reinterpret_cast<const T*>(args.in[0]);
  T* values = reinterpret_cast<T*>(args.out[0]);
  int64_t* indices = args.out.size() > 1 ? reinterpret_cast<int64_t*>(args.out[1]) : nullptr;
  const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(f.n, 1));
  cpu::parallel_for(f.rows, grain, threads, [&](int64_t begin, int64_t end) {
    std::vector<Item<T>> items(static_cast<size_t>(f.n));
    for (int64_t row = begin; row < end; ++row)
      one_row<T, largest>(f, row, x, values, indices, items);
  });
}

template <class T>
Result<cpu::Prepared> prepared(const Form& form, bool largest, int threads) {
  cpu::Prepared out;
  out.run = [=](const cpu::Args& args) -> Status {
    if (form.k == 0) return {};
    largest ? run<T, true>(form, threads, args) : run<T, false>(form, threads, args);
    return {};
  };
  return out;
}

Result<cpu::Prepared> make(cpu::MakeContext& context) {
  const auto op = context.node.as<TopK>();
  const Dims &dims = context.in(0).dims, &out = context.outputs[0].dims;
  const auto rank = static_cast<int64_t>(dims.size());
  const int64_t axis = op.axis < 0 ? op.axis + rank : op.axis;
  if (axis < 0 || axis >= rank || out.size() != dims.size())
    return context.refuse("an axis out of range");
  const auto a = static_cast<size_t>(axis);
  Form form{.n = dims[a], .k = out[a]};
  form.inner = element_count(std::span(dims).subspan(a + 1));
  form.rows = form.n == 0 ? 0 : context.in(0).count() / form.n;
  // The result's size has been inferred from K where that is known; where it is not, the reference
  // kernel reads it.
  if (form.k > form.n) return context.refuse("more than there are");
  switch (context.in(0).dtype) {
    case DType::f32:
      return prepared<float>(form, op.largest, context.threads);
    case DType::i64:
      return prepared<int64_t>(form, op.largest, context.threads);
    default:
      return prepared<int32_t>(form, op.largest, context.threads);
  }
}

constexpr std::array kKernels = {
    cpu::KernelSpec{.op = "TopK", .tactic = "selection", .supports = supports, .make = make},
};

}  // namespace
}  // namespace topk_kernels

std::span<const cpu::KernelSpec> topk_cpu() { return topk_kernels::kKernels; }

}  // namespace tenon::ops
