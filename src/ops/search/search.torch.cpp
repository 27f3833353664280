// Looking values up in others: places in sorted sequences, membership.
#include "ops/common/lower.h"

namespace tenon::ops {
namespace search_lowering {

using lower::V;
using torch::LowerContext;

// How many elements of the sequence lie before a value; of the equal ones, all where `right`.
V* places(LowerContext& c, V* sorted, V* values, bool right) {
  const size_t rank = lower::rank(c, values);
  if (lower::rank(c, sorted) == 1) {
    values = lower::unsqueeze(c, values, {static_cast<int64_t>(rank)});
  } else {
    sorted = lower::unsqueeze(c, sorted, {static_cast<int64_t>(rank) - 1});
    values = lower::unsqueeze(c, values, {static_cast<int64_t>(rank)});
  }
  V* before = c.b.emit_named(right ? "LessOrEqual" : "Less", {sorted, values});
  V* count = lower::reduce(c, "ReduceSum", c.b.cast(before, DType::i64),
                           {static_cast<int64_t>(lower::rank(c, before)) - 1}, false);
  return c.flag("out_int32") ? c.b.cast(count, DType::i32) : count;
}

V* search_sorted(LowerContext& c) {
  if (c.has("sorter")) return c.refuse("a sorter", "sort the sequence before");
  const DType type = c.promoted({"sorted_sequence", "self"});
  const bool right = c.has("side") ? c.text("side") == "right" : c.flag("right");
  return places(c, c.operand("sorted_sequence", type), c.operand("self", type), right);
}
V* bucketize(LowerContext& c) {
  const DType type = c.promoted({"boundaries", "self"});
  return places(c, c.operand("boundaries", type), c.operand("self", type), c.flag("right"));
}

V* is_in(LowerContext& c) {
  const char* elements = c.has("elements") ? "elements" : "element";
  const char* tests = c.has("test_elements") ? "test_elements" : "test_element";
  const DType type = c.promoted({elements, tests});
  V *x = c.operand(elements, type), *set = c.operand(tests, type);
  set = lower::reshape(c, set, {ir::product(lower::sizes(c, set))});
  const auto rank = static_cast<int64_t>(lower::rank(c, x));
  V* equal = c.b.emit_named("Equal", {lower::unsqueeze(c, x, {rank}), set});
  V* found = c.b.cast(lower::reduce(c, "ReduceMax", c.b.cast(equal, DType::i32), {rank}, false),
                      DType::boolean);
  return c.flag("invert") ? c.b.emit_named("Not", {found}) : found;
}

}  // namespace search_lowering

std::span<const torch::Lowering> search_torch() {
  using namespace search_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::searchsorted.Tensor", search_sorted}, {"aten::searchsorted.Scalar", search_sorted},
      {"aten::bucketize.Tensor", bucketize},        {"aten::bucketize.Scalar", bucketize},
      {"aten::isin.Tensor_Tensor", is_in},          {"aten::isin.Tensor_Scalar", is_in},
      {"aten::isin.Scalar_Tensor", is_in},
  };
  return kAll;
}

}  // namespace tenon::ops
