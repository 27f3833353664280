#include "ops/common/lower.h"

namespace tenon::ops {
namespace matmul_lowering {

using lower::V;
using torch::LowerContext;

template <const char* right>
V* matmul(LowerContext& c) {
  return lower::product(c, c.tensor("self"), c.tensor(right));
}
constexpr char kOther[] = "other", kMat2[] = "mat2", kVec[] = "vec", kTensor[] = "tensor";

V* outer(LowerContext& c) {
  const char* second =
      c.schema().name == "aten::outer" || c.schema().name == "aten::ger" ? "vec2" : "other";
  const DType type = c.promoted({"self", second});
  return lower::mul(c, lower::unsqueeze(c, c.operand("self", type), {1}),
                    lower::unsqueeze(c, c.operand(second, type), {0}));
}

// inner(a, b): sums over the last dimensions of both.
V* inner(LowerContext& c) {
  V *a = c.tensor("self"), *b = c.tensor("other");
  const size_t ra = lower::rank(c, a), rb = lower::rank(c, b);
  if (ra == 0 || rb == 0) return lower::mul(c, a, b);
  const Sizes left = lower::sizes(c, a), right = lower::sizes(c, b);
  Sizes out(left.begin(), left.end() - 1);
  out.insert(out.end(), right.begin(), right.end() - 1);
  V* flat_a = lower::reshape(c, a, {ir::product(std::span(left).first(ra - 1)), left.back()});
  V* flat_b = lower::reshape(c, b, {ir::product(std::span(right).first(rb - 1)), right.back()});
  return lower::reshape(c, lower::product(c, flat_a, lower::transpose(c, flat_b, {1, 0})), out);
}

V* tensordot(LowerContext& c) {
  V *a = c.tensor("self"), *b = c.tensor("other");
  const std::vector<int64_t> da = c.constants("dims_self"), db = c.constants("dims_other");
  const Sizes sa = lower::sizes(c, a), sb = lower::sizes(c, b);
  auto split = [&](const Sizes& sizes, const std::vector<int64_t>& dims, std::vector<int64_t>& free,
                   std::vector<int64_t>& summed) {
    std::vector<bool> used(sizes.size(), false);
    for (int64_t d : dims) {
      const auto at = lower::axis(c, d, sizes.size());
      if (!at || static_cast<size_t>(*at) >= sizes.size()) return false;
      used[static_cast<size_t>(*at)] = true;
      summed.push_back(*at);
    }
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (!used[i]) free.push_back(static_cast<int64_t>(i));
    }
    return true;
  };
  std::vector<int64_t> free_a, free_b, sum_a, sum_b;
  if (!split(sa, da, free_a, sum_a) || !split(sb, db, free_b, sum_b)) return nullptr;
  auto sizes_of = [](const Sizes& from, const std::vector<int64_t>& dims) {
    Sizes out;
    for (int64_t d : dims) out.push_back(from[static_cast<size_t>(d)]);
    return out;
  };
  const Sizes fa = sizes_of(sa, free_a), fb = sizes_of(sb, free_b), s = sizes_of(sa, sum_a);
  std::vector<int64_t> pa = free_a, pb = sum_b;
  pa.insert(pa.end(), sum_a.begin(), sum_a.end());
  pb.insert(pb.end(), free_b.begin(), free_b.end());
  V* left = lower::reshape(c, lower::transpose(c, a, pa), {ir::product(fa), ir::product(s)});
  V* right = lower::reshape(c, lower::transpose(c, b, pb), {ir::product(s), ir::product(fb)});
  Sizes out = fa;
  out.insert(out.end(), fb.begin(), fb.end());
  return lower::reshape(c, lower::product(c, left, right), out);
}

V* chain(LowerContext& c) {
  const std::vector<V*> all =
      c.tensors("matrices").empty() ? c.tensors("tensors") : c.tensors("matrices");
  if (all.empty()) return c.refuse("there are no matrices");
  V* out = all[0];
  for (size_t i = 1; i < all.size(); ++i) out = lower::product(c, out, all[i]);
  return out;
}

// Each result is input1^T w input2 with a matrix w of its own: all of w times input1, then input2.
V* bilinear(LowerContext& c) {
  V *a = c.tensor("input1"), *b = c.tensor("input2"), *w = c.tensor("weight");
  const Sizes weights = lower::sizes(c, w), left = lower::sizes(c, a);
  if (weights.size() != 3 || left.empty() || lower::rank(c, b) != left.size())
    return c.refuse("the inputs of a bilinear layer do not fit");
  V* flat =
      lower::reshape(c, lower::transpose(c, w, {1, 0, 2}), {weights[1], weights[0] * weights[2]});
  Sizes split(left.begin(), left.end() - 1);
  split.insert(split.end(), {weights[0], weights[2]});
  V* half = lower::reshape(c, lower::matmul(c, a, flat), split);
  const auto last = static_cast<int64_t>(left.size());
  V* y = lower::squeeze(c, lower::matmul(c, half, lower::unsqueeze(c, b, {last})), {last});
  return c.has("bias") ? lower::add(c, y, c.tensor("bias")) : y;
}

// What bilinear() is decomposed into: a product of three tensors with dimensions of one put in, and
// summed over some.
V* trilinear(LowerContext& c) {
  auto spread = [&](const char* name, const char* dims) {
    return lower::unsqueeze(c, c.tensor(name), c.constants(dims));
  };
  V* y = lower::mul(c, spread("i1", "expand1"), spread("i3", "expand3"));
  y = lower::mul(c, y, spread("i2", "expand2"));
  return lower::reduce(c, "ReduceSum", y, c.constants("sumdim"), false);
}

}  // namespace matmul_lowering

std::span<const torch::Lowering> matmul_torch() {
  using namespace matmul_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::matmul", matmul<kOther>},
      {"aten::mm", matmul<kMat2>},
      {"aten::bmm", matmul<kMat2>},
      {"aten::mv", matmul<kVec>},
      {"aten::dot", matmul<kTensor>},
      {"aten::vdot", matmul<kOther>},
      {"aten::linalg_matmul", matmul<kOther>},
      {"aten::__matmul__", matmul<kOther>},
      {"aten::outer", outer},
      {"aten::ger", outer},
      {"aten::inner", inner},
      {"aten::tensordot", tensordot},
      {"aten::chain_matmul", chain},
      {"aten::linalg_multi_dot", chain},
      {"aten::bilinear", bilinear},
      {"aten::_trilinear", trilinear},
  };
  return kAll;
}

}  // namespace tenon::ops
