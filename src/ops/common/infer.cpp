#include "ops/common/infer.h"

#include <algorithm>

namespace tenon::ops {

Status infer_same(InferContext& context) {
  context.set_type(0, context.input(0)->type);
  return {};
}

Status infer_broadcast(InferContext& context) {
  if (context.input_count() == 0) return context.fail("it has no inputs");
  TRY(same_dtype(context, 0, context.input_count() - 1));
  std::vector<size_t> all(context.input_count());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  context.set(0, context.dtype(0), TRY(broadcast_inputs(context, all)));
  return {};
}

Status same_dtype(const InferContext& context, size_t first, size_t last) {
  for (size_t i = first + 1; i <= last; ++i) {
    if (!context.has(i) || !context.has(first)) continue;
    if (context.dtype(i) != context.dtype(first)) {
      return context.fail(fmt::format("input {} is {}, but input {} is {}", first,
                                      name(context.dtype(first)), i, name(context.dtype(i))),
                          "insert a Cast, or save the model in one precision");
    }
  }
  return {};
}

namespace {

Status wrong_dtype(const InferContext& context, size_t i, std::string_view wanted) {
  return context.fail(fmt::format("input {} is {}, not {}", i, name(context.dtype(i)), wanted),
                      "cast the input to a type that the operator takes");
}

}  // namespace

Status need_floating(const InferContext& context, size_t i) {
  if (!context.has(i) || is_floating(context.dtype(i))) return {};
  return wrong_dtype(context, i, "a floating-point type");
}

Status need_numeric(const InferContext& context, size_t i) {
  const DType dtype = context.dtype(i);
  if (!context.has(i) || is_floating(dtype) || is_integral(dtype) || is_complex(dtype)) return {};
  return wrong_dtype(context, i, "a numeric type");
}

Status need_dtype(const InferContext& context, size_t i, DType dtype) {
  if (!context.has(i) || context.dtype(i) == dtype) return {};
  return wrong_dtype(context, i, name(dtype));
}

Status need_integer(const InferContext& context, size_t i) {
  if (!context.has(i) || is_integral(context.dtype(i))) return {};
  return wrong_dtype(context, i, "an integer type");
}

Status need_rank(const InferContext& context, size_t i, size_t rank) {
  const Sizes* sizes = context.shape(i);
  if (sizes == nullptr || sizes->size() >= rank) return {};
  return context.fail(
      fmt::format("input {} has {} dimensions, at least {} are needed", i, sizes->size(), rank));
}

Result<Sizes> broadcast_sizes(const InferContext& context, const Sizes& a, const Sizes& b) {
  auto out = ir::broadcast(a, b, context.ranges());
  if (!out) return context.fail(out.error().what + ": " + out.error().why);
  return out;
}

Result<std::optional<Sizes>> broadcast_inputs(const InferContext& context,
                                              std::span<const size_t> inputs) {
  std::optional<Sizes> out = Sizes{};
  for (size_t i : inputs) {
    if (!context.has(i)) continue;
    const Sizes* sizes = context.shape(i);
    if (sizes == nullptr) return std::optional<Sizes>();
    if (*out != *sizes) out = TRY(broadcast_sizes(context, *out, *sizes));
  }
  return out;
}

Result<size_t> axis_of(const InferContext& context, int64_t axis, size_t rank) {
  auto out = ir::normalize_axis(axis, rank);
  if (!out) return context.fail(out.error().why);
  return out;
}

Result<std::vector<size_t>> axes_of(const InferContext& context, std::span<const int64_t> axes,
                                    size_t rank) {
  std::vector<size_t> out;
  for (int64_t axis : axes) out.push_back(TRY(axis_of(context, axis, rank)));
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end())
    return context.fail("an axis is given twice");
  return out;
}

Status need_equal(const InferContext& context, const Dim& a, const Dim& b, std::string_view what) {
  if (!a.is_constant() || !b.is_constant() || a == b) return {};
  return context.fail(fmt::format("{}: {} is not {}", what, a.str(), b.str()));
}

Sizes data_sizes(InferContext& context, size_t output, size_t rank) {
  Sizes out;
  for (size_t i = 0; i < rank; ++i) out.push_back(context.data_dim(output, i));
  return out;
}

std::optional<size_t> vector_length(const InferContext& context, size_t i) {
  const Sizes* sizes = context.shape(i);
  if (sizes == nullptr || sizes->size() != 1 || !(*sizes)[0].is_constant()) return std::nullopt;
  const int64_t length = *(*sizes)[0].constant();
  if (length < 0 || length > 64) return std::nullopt;  // no tensor has more dimensions
  return static_cast<size_t>(length);
}

Contents flat_contents(const InferContext& context, size_t i) {
  const Sizes* sizes = context.shape(i);
  if (sizes == nullptr || sizes->size() > 1) return std::nullopt;
  return context.contents(i);
}

void keep_contents(InferContext& context, size_t output, Contents contents) {
  if (contents && contents->size() <= kMaxContents)
    context.set_contents(output, std::move(contents));
}

}  // namespace tenon::ops
