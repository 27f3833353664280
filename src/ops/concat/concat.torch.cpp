#include "ops/concat/concat.h"

#include "ops/common/lower.h"

namespace tenon::ops {
namespace concat_lowering {

using lower::V;
using torch::LowerContext;

// The tensors of an argument in their common type.
std::vector<V*> promoted(LowerContext& c) {
  std::vector<V*> parts = c.tensors("tensors");
  DType type = DType::undefined;
  for (V* part : parts) {
    if (part) type = torch::promote(type, part->dtype());
  }
  for (V*& part : parts) {
    if (part) part = c.b.cast(part, type);
  }
  return parts;
}

V* join(LowerContext& c, std::vector<V*> parts, int64_t axis) {
  if (parts.empty()) return c.refuse("there are no tensors to join");
  const auto at = lower::axis(c, axis, lower::rank(c, parts[0]));
  return at ? lower::concat(c, std::move(parts), *at) : nullptr;
}

V* cat(LowerContext& c) {
  std::vector<V*> parts;
  for (V* part : promoted(c)) {
    // PyTorch still skips empty vectors among tensors of any rank.
    if (part && !(part->rank() == 1 && (*part->shape())[0].is(0))) parts.push_back(part);
  }
  if (parts.empty()) parts = promoted(c);
  return join(c, std::move(parts), c.constant(c.has("axis") ? "axis" : "dim"));
}

V* stack(LowerContext& c) {
  std::vector<V*> parts = promoted(c);
  if (parts.empty() || !parts[0]) return c.refuse("there are no tensors to stack");
  const auto at = lower::axis(c, c.constant("dim"), lower::rank(c, parts[0]) + 1);
  if (!at) return nullptr;
  for (V*& part : parts) part = lower::unsqueeze(c, part, {*at});
  return lower::concat(c, std::move(parts), *at);
}

// Brings a tensor to a least rank, as the parts of hstack, vstack and dstack are.
V* at_least(LowerContext& c, V* x, size_t rank) {
  const size_t n = lower::rank(c, x);
  if (n >= rank) return x;
  if (rank == 1) return lower::unsqueeze(c, x, {0});
  if (rank == 2) return n == 0 ? lower::unsqueeze(c, x, {0, 1}) : lower::unsqueeze(c, x, {0});
  if (n == 0) return lower::unsqueeze(c, x, {0, 1, 2});
  return n == 1 ? lower::unsqueeze(c, x, {0, 2}) : lower::unsqueeze(c, x, {2});
}

V* hstack(LowerContext& c) {
  std::vector<V*> parts = promoted(c);
  for (V*& part : parts) part = at_least(c, part, 1);
  return join(c, parts, !parts.empty() && lower::rank(c, parts[0]) == 1 ? 0 : 1);
}
template <size_t rank, int64_t axis>
V* stacked(LowerContext& c) {
  std::vector<V*> parts = promoted(c);
  for (V*& part : parts) part = at_least(c, part, rank);
  return join(c, parts, axis);
}
V* column_stack(LowerContext& c) {
  std::vector<V*> parts = promoted(c);
  for (V*& part : parts) {
    const size_t n = lower::rank(c, part);
    if (n == 0)
      part = lower::unsqueeze(c, part, {0, 1});
    else if (n == 1)
      part = lower::unsqueeze(c, part, {1});
  }
  return join(c, parts, 1);
}

// Each tensor in so many chunks along a dimension, the last filled up with zeros; the chunks of all
// tensors side by side, with what follows the dimension as one.
V* chunk_cat(LowerContext& c) {
  const std::vector<V*> parts = promoted(c);
  const int64_t chunks = c.constant("num_chunks");
  if (parts.empty() || !parts[0]) return c.refuse("there are no tensors to join");
  if (chunks < 1) return c.refuse("the number of chunks is not positive");
  const auto axis = lower::axis(c, c.constant("dim"), lower::rank(c, parts[0]));
  if (!axis) return nullptr;
  const auto at = static_cast<size_t>(*axis);
  std::vector<V*> out;
  for (V* part : parts) {
    Sizes sizes = lower::sizes(c, part);
    if (sizes.size() <= at) return c.refuse("a tensor lacks the dimension");
    const ir::Dim whole = ceildiv(sizes[at], ir::Dim(chunks)) * ir::Dim(chunks);
    Sizes missing = sizes;
    missing[at] = whole - sizes[at];
    V* full = missing[at].is(0)
                  ? part
                  : lower::concat(c, {part, lower::filled(c, missing, 0, part->dtype())}, *axis);
    Sizes shape(sizes.begin(), sizes.begin() + *axis);
    shape.emplace_back(chunks);
    sizes[at] = floordiv(whole, ir::Dim(chunks));
    shape.push_back(ir::product(Sizes(sizes.begin() + *axis, sizes.end())));
    out.push_back(lower::reshape(c, full, shape));
  }
  return lower::concat(c, out, *axis + 1);
}

}  // namespace concat_lowering

std::span<const torch::Lowering> concat_torch() {
  using namespace concat_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::cat", cat},
      {"aten::_chunk_cat", chunk_cat},
      {"aten::concat", cat},
      {"aten::concatenate", cat},
      {"aten::_cat", cat},
      {"aten::stack", stack},
      {"aten::_stack", stack},
      {"aten::hstack", hstack},
      {"aten::vstack", stacked<2, 0>},
      {"aten::row_stack", stacked<2, 0>},
      {"aten::dstack", stacked<3, 2>},
      {"aten::column_stack", column_stack},
  };
  return kAll;
}

}  // namespace tenon::ops
