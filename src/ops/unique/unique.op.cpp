#include "ops/unique/unique.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_unique(InferContext& context) {
  const auto op = context.as<Unique>();
  const Sizes* x = context.shape(0);
  const auto most = [&](const Dim& size) {
    return ir::Interval{0, std::max<int64_t>(size.bounds(context.ranges()).max, 0)};
  };
  std::optional<Sizes> values;
  Dim places = 0;  // how many there are to be told apart
  size_t axis = 0;
  if (!op.axis) {
    places = x ? ir::product(*x) : Dim(ir::Interval::kMax);
    values = Sizes{context.data_dim(0, 0, most(places))};
  } else if (x != nullptr) {
    axis = TRY(axis_of(context, *op.axis, x->size()));
    places = (*x)[axis];
    values = *x;
    (*values)[axis] = context.data_dim(0, axis, most(places));
  }
  context.set(0, context.dtype(0), values);
  for (size_t i = 1; i < context.output_count(); ++i) {
    const bool inverse = i == 2;
    if (!values || (inverse && x == nullptr))
      context.set(i, DType::i64, data_sizes(context, i, 1));
    else
      context.set(i, DType::i64, Sizes{inverse ? places : (*values)[axis]});
  }
  return {};
}

}  // namespace

std::span<const ir::OpSpec> unique_op() {
  static constexpr ir::OpSpec specs[] = {spec<Unique>(1, 1, infer_unique, 1, 4)};
  return specs;
}

}  // namespace tenon::ops
