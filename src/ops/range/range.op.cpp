#include "ops/range/range.h"

#include <cmath>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

std::optional<double> float_scalar(const Tensor* tensor) {
  if (tensor == nullptr || tensor->count() != 1 || !tensor->has_data()) return std::nullopt;
  if (tensor->dtype() == DType::f32) return tensor->values<float>()[0];
  if (tensor->dtype() == DType::f64) return tensor->values<double>()[0];
  return std::nullopt;
}

// max(ceil((limit - start) / delta), 0)
std::optional<Dim> range_size(const Dim& start, const Dim& limit, const Dim& delta,
                              const ir::Ranges& ranges) {
  const auto step = delta.constant();
  if (!step || *step == 0 || *step == ir::Interval::kMin) return std::nullopt;
  const Dim count = *step > 0 ? ceildiv(limit - start, *step) : ceildiv(start - limit, -*step);
  if (less_equal(Dim(0), count, ranges) == ir::Truth::yes) return count;
  return max(count, Dim(0));
}

Status infer_range(InferContext& context) {
  TRY(same_dtype(context, 0, 2));
  TRY(need_numeric(context, 0));
  std::optional<Dim> size;
  if (is_integral(context.dtype(0))) {
    const Contents start = context.contents(0), limit = context.contents(1),
                   delta = context.contents(2);
    if (start && limit && delta && start->size() == 1 && limit->size() == 1 && delta->size() == 1) {
      if ((*delta)[0].is(0)) return context.fail("the step is 0");
      size = range_size((*start)[0], (*limit)[0], (*delta)[0], context.ranges());
      if (const auto n = size ? size->constant() : std::nullopt;
          n && *n <= static_cast<int64_t>(kMaxContents)) {
        std::vector<Dim> values;
        for (int64_t i = 0; i < *n; ++i) values.push_back((*start)[0] + (*delta)[0] * Dim(i));
        keep_contents(context, 0, std::move(values));
      }
    }
  } else {
    const auto start = float_scalar(context.constant(0)), limit = float_scalar(context.constant(1)),
               delta = float_scalar(context.constant(2));
    if (start && limit && delta) {
      const double n = std::ceil((*limit - *start) / *delta);
      if (!(n < 0x1p40)) return context.fail("the range has no end");
      size = Dim(static_cast<int64_t>(std::max(n, 0.0)));
    }
  }
  context.set(0, context.dtype(0), Sizes{size ? *size : context.data_dim(0, 0)});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> range_op() {
  static constexpr ir::OpSpec specs[] = {spec<Range>(3, 3, infer_range)};
  return specs;
}

}  // namespace tenon::ops
