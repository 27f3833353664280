#include "ops/cast/cast.h"

#include <cmath>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

// The one element of a constant floating-point scalar.
std::optional<double> scalar_constant(const ir::Value* value) {
  if (value == nullptr || !value->constant || value->constant->count() != 1) return std::nullopt;
  const Tensor& tensor = *value->constant;
  if (!tensor.has_data()) return std::nullopt;
  if (tensor.dtype() == DType::f32) return tensor.values<float>()[0];
  if (tensor.dtype() == DType::f64) return tensor.values<double>()[0];
  return std::nullopt;
}

// Integers that took a way through floating point, as sizes scaled by a factor do:
// Floor(Mul(Cast(x), factor)), or the product alone where converting it to an integer truncates.
std::optional<Dim> floating_size(const ir::Value* value, bool floored, const ir::Ranges& ranges) {
  const ir::Node* node = value ? value->producer : nullptr;
  if (node == nullptr || (value->shape() && value->shape()->size() > 1)) return std::nullopt;
  auto whole = [](const ir::Value* v) -> std::optional<Dim> {
    while (v && v->producer && (v->producer->is("Cast") || v->producer->is("Identity")) &&
           !v->contents) {
      v = v->producer->input(0);
    }
    if (v == nullptr || !v->contents || v->contents->size() != 1) return std::nullopt;
    return (*v->contents)[0];
  };
  if (node->is("Cast")) {
    if (auto dim = whole(node->input(0))) return dim;
    return floating_size(node->input(0), floored, ranges);
  }
  if (node->is("Floor")) return floating_size(node->input(0), true, ranges);
  if (node->is("Mul")) {
    for (size_t i : {size_t{0}, size_t{1}}) {
      const auto factor = scalar_constant(node->input(i));
      const auto dim = whole(node->input(1 - i));
      if (!factor || !dim || !std::isfinite(*factor) || *factor < 0) continue;
      if (!floored && less_equal(Dim(0), *dim, ranges) != ir::Truth::yes) continue;
      return floorscale(*dim, *factor);
    }
  }
  return std::nullopt;
}

Status infer_cast(InferContext& context) {
  const auto cast = context.as<Cast>();
  if (cast.to <= 0 || cast.to > static_cast<int64_t>(DType::i2))
    return context.fail(fmt::format("'to' is {}, which is no data type", cast.to));
  const auto to = static_cast<DType>(cast.to);
  context.set(0, to, context.input(0)->shape());
  if (to != DType::i64 && to != DType::i32) return {};
  if (!is_floating(context.dtype(0))) {
    keep_contents(context, 0, context.contents(0));
  } else if (auto size = floating_size(context.input(0), false, context.ranges())) {
    keep_contents(context, 0, std::vector{*size});
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> cast_op() {
  static constexpr ir::OpSpec specs[] = {spec<Cast>(1, 1, infer_cast)};
  return specs;
}

}  // namespace tenon::ops
