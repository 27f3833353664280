// Maxima put back to the places that they were found at, which max pooling counts within each
// channel.
#include "ops/common/lower.h"
#include "ops/scatter_elements/scatter_elements.h"

namespace tenon::ops {
namespace max_unpool_lowering {

using lower::V;
using torch::LowerContext;

// [batch, channels, ..] to [batch, channels, elements of a plane]
V* flat_planes(LowerContext& c, V* x) {
  const Sizes sizes = lower::sizes(c, x);
  return lower::reshape(c, x, {sizes[0], sizes[1], ir::product(std::span(sizes).subspan(2))});
}

// The values at their places in planes of these sizes, zero elsewhere. Of several at one place the
// last one counts, or their sum.
V* placed(LowerContext& c, V* values, V* places, const Sizes& planes, bool summed) {
  const Sizes before = lower::sizes(c, values);
  const DType given = values->dtype();
  if (summed && given != DType::f64) values = c.b.cast(values, DType::f32);
  if (before.size() != planes.size() + 2) return c.refuse("the sizes do not fit the input");
  const Sizes flat{before[0], before[1], ir::product(planes)};
  V* out = c.b.emit(ScatterElements{.axis = 2, .reduction = summed ? "add" : "none"},
                    {lower::expand(c, lower::like(c, values, 0), flat),
                     flat_planes(c, c.b.cast(places, DType::i64)), flat_planes(c, values)});
  Sizes whole{before[0], before[1]};
  whole.insert(whole.end(), planes.begin(), planes.end());
  return c.b.cast(lower::reshape(c, out, whole), given);
}

template <size_t rank>
V* unpool(LowerContext& c) {
  const Sizes planes = c.ints("output_size");
  V* places = c.tensor("indices");
  if (lower::rank(c, places) == rank + 1) places = lower::unsqueeze(c, places, {0});
  return lower::batched(c, c.tensor("self"), rank + 2, [&](V* x) -> std::vector<V*> {
    if (planes.size() != rank)
      return {c.refuse("the output size has another number of dimensions")};
    return {placed(c, x, places, planes, false)};
  });
}

// The gradient of max pooling: what comes from the outputs goes to the elements that they are.
template <size_t rank>
V* backward(LowerContext& c) {
  V *x = c.tensor("self"), *places = c.tensor("indices");
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.size() < rank) return c.refuse("the input has too few dimensions");
  const Sizes planes(sizes.end() - static_cast<ptrdiff_t>(rank), sizes.end());
  if (lower::rank(c, places) == rank + 1) places = lower::unsqueeze(c, places, {0});
  return lower::batched(c, c.tensor("grad_output"), rank + 2, [&](V* gradient) -> std::vector<V*> {
    return {placed(c, gradient, places, planes, true)};
  });
}

}  // namespace max_unpool_lowering

std::span<const torch::Lowering> max_unpool_torch() {
  using namespace max_unpool_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::max_unpool2d", unpool<2>},
      {"aten::max_unpool3d", unpool<3>},
      {"aten::max_pool2d_with_indices_backward", backward<2>},
      {"aten::max_pool3d_with_indices_backward", backward<3>},
      {"aten::adaptive_max_pool2d_backward", backward<2>},
      {"aten::adaptive_max_pool3d_backward", backward<3>},
      {"aten::fractional_max_pool2d_backward", backward<2>},
      {"aten::fractional_max_pool3d_backward", backward<3>},
  };
  return kAll;
}

}  // namespace tenon::ops
