#include "ops/slice/slice.h"

#include <algorithm>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

struct SliceRanges {
  const ir::Ranges& ranges;
  bool yes(const Dim& a, const Dim& b) const { return less_equal(a, b, ranges) == ir::Truth::yes; }
  Dim at_least(const Dim& a, const Dim& low) const {
    return yes(low, a) ? a : yes(a, low) ? low : max(a, low);
  }
  Dim at_most(const Dim& a, const Dim& high) const {
    return yes(a, high) ? a : yes(high, a) ? high : min(a, high);
  }
  // Negative indices count from the end; nullopt where the sign is not known.
  std::optional<Dim> from_front(const Dim& index, const Dim& size) const {
    if (yes(Dim(0), index)) return index;
    if (yes(index, Dim(-1))) {
      const auto constant = index.constant();
      if (constant && *constant < -(int64_t{1} << 62)) return Dim(-1);  // before the beginning
      return index + size;
    }

    if (index == size) return index;
    return std::nullopt;
  }
};

// The number of elements from start to end; ONNX clamps both to the tensor.
std::optional<Dim> sliced_size(const Dim& size, const Dim& start, const Dim& end, int64_t step,
                               const SliceRanges& r) {
  const auto s = r.from_front(start, size), e = r.from_front(end, size);
  if (!s || !e) return std::nullopt;
  if (step > 0) {
    const Dim from = r.at_least(*s, Dim(0));
    const Dim to = r.at_most(r.at_least(*e, Dim(0)), size);
    return r.at_least(ceildiv(to - from, step), Dim(0));
  }
  const Dim from = r.at_most(*s, size - Dim(1));
  const Dim to = r.at_least(*e, Dim(-1));
  return r.at_least(ceildiv(from - to, -step), Dim(0));
}

Contents slice_contents(const std::vector<Dim>& all, int64_t start, int64_t end, int64_t step) {
  const auto n = static_cast<int64_t>(all.size());
  auto clamp = [&](int64_t i, int64_t low, int64_t high) {
    return std::clamp(i < 0 && i >= -(int64_t{1} << 62) ? i + n : i, low, high);
  };
  const bool forward = step > 0;
  const int64_t first = clamp(start, 0, forward ? n : n - 1);
  const int64_t last = clamp(end, forward ? 0 : -1, forward ? n : n - 1);
  const int64_t stride = std::clamp<int64_t>(step, -n - 1, n + 1);
  std::vector<Dim> out;
  for (int64_t i = first; forward ? i < last : i > last; i += stride)
    out.push_back(all[static_cast<size_t>(i)]);
  return out;
}

Status infer_slice(InferContext& context) {
  for (size_t i = 1; i < context.input_count(); ++i) TRY(need_integer(context, i));
  const Sizes* x = context.shape(0);
  if (x == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  const Contents starts = flat_contents(context, 1), ends = flat_contents(context, 2);
  std::optional<std::vector<int64_t>> axes, steps;
  if (context.has(3)) axes = context.constant_ints(3);
  if (context.has(4)) steps = context.constant_ints(4);
  if (context.has(3) && !axes) {
    context.set(0, context.dtype(0), data_sizes(context, 0, x->size()));
    return {};
  }
  const auto length = starts ? std::optional(starts->size()) : vector_length(context, 1);
  if (!axes) {
    if (!length) {
      context.set(0, context.dtype(0), data_sizes(context, 0, x->size()));
      return {};
    }
    axes.emplace();
    for (size_t i = 0; i < *length; ++i) axes->push_back(static_cast<int64_t>(i));
  }
  const size_t count = axes->size();
  if ((starts && starts->size() != count) || (ends && ends->size() != count) ||
      (steps && steps->size() != count)) {
    return context.fail("starts, ends, axes and steps have other lengths");
  }
  TRY(axes_of(context, *axes, x->size()));
  const ir::Ranges ranges = context.ranges();
  Sizes out = *x;
  for (size_t i = 0; i < count; ++i) {
    const size_t axis = TRY(axis_of(context, (*axes)[i], x->size()));
    const int64_t step = steps ? (*steps)[i] : 1;
    if (step == 0 || step == ir::Interval::kMin) return context.fail("a step is 0");
    std::optional<Dim> size;
    if (starts && ends && (steps || !context.has(4)))
      size = sliced_size((*x)[axis], (*starts)[i], (*ends)[i], step, {ranges});
    out[axis] = size ? *size : context.data_dim(0, axis);
  }
  if (x->size() == 1 && count == 1 && (steps || !context.has(4)) && starts && ends) {
    const auto first = (*starts)[0].constant(), last = (*ends)[0].constant();
    if (const Contents all = context.contents(0); all && first && last)
      keep_contents(context, 0, slice_contents(*all, *first, *last, steps ? (*steps)[0] : 1));
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> slice_op() {
  static constexpr ir::OpSpec specs[] = {spec<Slice>(3, 5, infer_slice)};
  return specs;
}

}  // namespace tenon::ops
