#include "ops/attention/attention.h"

#include <fmt/format.h>

#include <cmath>

#include "ops/activation/activation.h"
#include "ops/common/lower_expr.h"
#include "ops/common/lower_matrix.h"
#include "ops/gemm/gemm.h"
#include "ops/layer_norm/layer_norm.h"

namespace tenon::ops {
namespace attention_lowering {

using lower::V;
using torch::LowerContext;

struct Call {
  V *query, *key, *value, *mask = nullptr;
  bool causal = false;
  std::optional<double> scale;
};

// Queries, keys and values of [batch, heads, sequence, head size]; fewer heads of keys are shared
// by neighbouring queries.
V* emit(LowerContext& c, const Call& call) {
  Attention op;
  op.is_causal = call.causal;
  if (call.scale) op.scale = static_cast<float>(*call.scale);
  std::vector<V*> inputs{call.query, call.key, call.value};
  if (call.mask) inputs.push_back(call.mask);
  return c.b.emit(op, std::move(inputs));
}

// More than one batch dimension becomes one, fewer get one.
V* with_batch(LowerContext& c, V* x) {
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.size() == 4) return x;
  if (sizes.size() == 3) return lower::unsqueeze(c, x, {1});
  if (sizes.size() == 2) return lower::unsqueeze(c, x, {0, 1});
  const size_t n = sizes.size();
  return lower::reshape(
      c, x, {ir::product(std::span(sizes).first(n - 3)), sizes[n - 3], sizes[n - 2], sizes[n - 1]});
}

V* attend(LowerContext& c, std::string_view mask_name) {
  Call call{c.tensor("query"), c.tensor("key"), c.tensor("value")};
  if (c.has("dropout_p") && c.number("dropout_p") > 0) {
    c.machine().notices.push_back(
        {"attention was saved with dropout; it is converted as in evaluation, without",
         ir::where(c.b.origin())});
  }
  call.causal = c.flag("is_causal");
  if (c.has("scale")) call.scale = c.number("scale");
  if (c.has(mask_name)) call.mask = c.tensor(mask_name);
  const Sizes q = lower::sizes(c, call.query), k = lower::sizes(c, call.key),
              v = lower::sizes(c, call.value);
  if (q.size() < 2 || k.size() < 2 || v.size() < 2)
    return c.refuse("queries, keys and values need at least two dimensions");
  if (q.size() != k.size() || q.size() != v.size() ||
      (q.size() > 4 && call.mask && lower::rank(c, call.mask) > 2)) {
    return c.refuse(
        "queries, keys, values and mask broadcast against each other in their batch dimensions",
        "expand them to the same batch dimensions first");
  }
  for (size_t i = 0; i + 3 < q.size(); ++i) {
    if (!(q[i] == k[i]) || !(q[i] == v[i])) {
      return c.refuse("queries, keys and values have different batch dimensions",
                      "expand them to the same batch dimensions first");
    }
  }
  call.query = with_batch(c, call.query);
  call.key = with_batch(c, call.key);
  call.value = with_batch(c, call.value);
  if (call.mask) {
    // The form written out takes a boolean for a number, as PyTorch does: it adds 0 or 1.
    if (call.mask->dtype() != DType::boolean ||
        c.schema().name == "aten::_scaled_dot_product_attention_math")
      call.mask = c.b.cast(call.mask, call.query->dtype());
    const size_t rank = lower::rank(c, call.mask);
    if (q.size() == 3 && rank == 3) call.mask = lower::unsqueeze(c, call.mask, {1});
    if (rank == 1) call.mask = lower::unsqueeze(c, call.mask, {0});
    // Attention's mask must have the keys' length; a single column stands for all.
    const Sizes mask = lower::sizes(c, call.mask);
    if (mask.size() >= 2 && mask.back().is(1) && !k[k.size() - 2].is(1)) {
      Sizes full = mask;
      full.back() = k[k.size() - 2];
      call.mask = lower::expand(c, call.mask, full);
    }
  }
  V* y = emit(c, call);
  Sizes out = q;
  out.back() = v.back();
  return lower::reshape(c, y, out);
}

// Logarithms of the sums of the exponentials of each query's scores, [batch, heads, queries], in
// f32 at least. Null where keys are shared between heads.
V* log_sums(LowerContext& c) {
  V *query = c.tensor("query"), *key = c.tensor("key");
  const Sizes q = lower::sizes(c, query), k = lower::sizes(c, key);
  const auto size = q.back().constant();
  if (q.size() != 4 || k.size() != 4 || !(q[1] == k[1])) return nullptr;
  if (!c.has("scale") && !size) return nullptr;
  const double scale =
      c.has("scale") ? c.number("scale") : 1 / std::sqrt(static_cast<double>(*size));
  const DType type = query->dtype() == DType::f64 ? DType::f64 : DType::f32;
  V* scores = lower::matmul(c, c.b.cast(query, type),
                            lower::transpose(c, c.b.cast(key, type), {0, 1, 3, 2}));
  scores = lower::mul(c, scores, lower::like(c, scores, scale));
  V* never = lower::like(c, scores, -HUGE_VAL);
  if (c.has("attn_mask")) {
    V* mask = c.tensor("attn_mask");
    scores = mask->dtype() == DType::boolean ? lower::where(c, mask, scores, never)
                                             : lower::add(c, scores, c.b.cast(mask, type));
  }
  if (c.flag("is_causal")) {
    V* row = lower::unsqueeze(c, lower::count_to(c, q[2]), {1});
    V* seen = c.b.emit_named("LessOrEqual", {lower::count_to(c, k[2]), row});
    scores = lower::where(c, seen, scores, never);
  }
  return lower::Expr(c, scores).call("logsumexp", {lower::Expr(c, scores).ints({-1})}).result();
}

V* plain(LowerContext& c) { return attend(c, "attn_mask"); }
V* with_statistics(LowerContext& c) {
  std::vector<V*> all(c.schema().returns.size(), nullptr);
  all[0] =
      attend(c, c.schema().name == "aten::_scaled_dot_product_efficient_attention" ? "attn_bias"
                                                                                   : "attn_mask");
  if (c.schema().name == "aten::_scaled_dot_product_flash_attention_for_cpu" && !c.refused())
    all[1] = log_sums(c);
  return c.refused() ? nullptr : c.give(std::move(all));
}

// --- multi-head attention as one operator

V* linear(LowerContext& c, V* x, V* weight, V* bias) {
  V* y = lower::matmul(c, x, lower::transpose(c, weight, {1, 0}));
  return bias ? lower::add(c, y, bias) : y;
}

// The mask where true leaves a place out (or a float mask is added), spread to [batch, heads,
// queries, keys].
V* spread_mask(LowerContext& c, V* mask, std::optional<int64_t> type) {
  const size_t rank = lower::rank(c, mask);
  if (type == 1 && rank == 2)
    mask = lower::unsqueeze(c, mask, {1, 2});  // of keys, one row for each batch
  else if (type == 0 && rank == 3)
    mask = lower::unsqueeze(c, mask, {1});
  return mask;
}

// Rows of y, [batch, queries, embedding], whose queries may see no key are NaN in PyTorch's fused
// multi-head attention, unlike in scaled_dot_product_attention, where they are 0, as in Attention.
V* with_blind_rows(LowerContext& c, V* y, V* mask) {
  const Sizes sizes = lower::sizes(c, mask);
  if (sizes.size() > 2) {
    // One row of y holds all heads.
    for (size_t i = 1; i + 2 < sizes.size(); ++i) {
      if (!sizes[i].is(1))
        return c.refuse("the mask differs from head to head", "use scaled_dot_product_attention");
    }
  }
  V* blind = nullptr;
  if (mask->dtype() == DType::boolean) {
    V* most = lower::reduce(c, "ReduceMax", c.b.cast(mask, DType::i32), {-1}, true);
    blind = c.b.emit_named("Equal", {most, lower::like(c, most, 0)});
  } else {
    V* most = lower::reduce(c, "ReduceMax", mask, {-1}, true);
    blind = c.b.emit_named("Equal", {most, lower::like(c, most, -HUGE_VAL)});
  }
  if (sizes.size() == 4) blind = lower::squeeze(c, blind, {1});
  return lower::where(c, blind, lower::like(c, y, std::nan("")), y);
}

struct Heads {
  V *query, *key, *value;  // [batch, sequence, embedding]
  int64_t heads;
  V* mask = nullptr;
  std::optional<int64_t> mask_type;
  bool weights = false, average = true;
};

struct Attended {
  V *output, *weights;
};

Attended multi_head(LowerContext& c, const Heads& h) {
  const Sizes q = lower::sizes(c, h.query);
  const Sizes k = lower::sizes(c, h.key);
  if (q.size() != 3 || k.size() != 3 || h.heads < 1)
    return {c.refuse("multi-head attention needs inputs of three dimensions"), nullptr};
  V* mask = h.mask ? spread_mask(c, h.mask, h.mask_type) : nullptr;
  if (mask && mask->dtype() == DType::boolean)
    mask = c.b.emit_named("Not", {mask});
  else if (mask)
    mask = c.b.cast(mask, h.query->dtype());
  Attention op;
  op.q_num_heads = h.heads;
  op.kv_num_heads = h.heads;
  std::vector<V*> inputs{h.query, h.key, h.value};
  if (mask) {
    // The keys' dimension is given in full, and the queries' where the mask has only keys.
    Sizes full = lower::sizes(c, mask);
    if (full.size() >= 2 && full[full.size() - 2].is(1) && !q[1].is(1)) {
      full[full.size() - 2] = q[1];
      mask = lower::expand(c, mask, full);
    }
    inputs.push_back(mask);
  }
  if (!h.weights) {
    V* y = c.b.emit(op, std::move(inputs));
    return {mask ? with_blind_rows(c, y, mask) : y, nullptr};
  }
  // The weights themselves are asked for: written out.
  const ir::Dim head = floordiv(q[2], h.heads);
  const auto size = head.constant();
  if (!size) return {c.refuse("the size of a head depends on the input"), nullptr};
  auto by_head = [&](V* x, const Sizes& sizes, std::vector<int64_t> order) {
    return lower::transpose(c, lower::reshape(c, x, {sizes[0], sizes[1], h.heads, head}),
                            std::move(order));
  };
  V* scores = lower::matmul(c, by_head(h.query, q, {0, 2, 1, 3}), by_head(h.key, k, {0, 2, 3, 1}));
  scores = lower::mul(c, scores, lower::like(c, scores, 1 / std::sqrt(static_cast<double>(*size))));
  if (mask && mask->dtype() == DType::boolean) {
    scores = lower::where(c, mask, scores, lower::like(c, scores, -HUGE_VAL));
  } else if (mask) {
    scores = lower::add(c, scores, mask);
  }
  V* weights = lower::softmax(c, scores, -1);
  V* mixed = lower::matmul(c, weights, by_head(h.value, k, {0, 2, 1, 3}));
  V* y = lower::reshape(c, lower::transpose(c, mixed, {0, 2, 1, 3}), q);
  return {y, h.average ? lower::reduce(c, "ReduceMean", weights, {1}, false) : weights};
}

V* native_multi_head(LowerContext& c) {
  V *query = c.tensor("query"), *key = c.tensor("key"), *value = c.tensor("value");
  V *weight = c.tensor("qkv_weight"), *bias = c.tensor("qkv_bias");
  const int64_t d = c.constant("embed_dim");
  Heads h{nullptr, nullptr, nullptr, c.constant("num_head")};
  if (query == key && key == value) {
    V* all = linear(c, query, weight, bias);
    const std::vector<V*> parts = {lower::slice(c, all, 2, 0, d), lower::slice(c, all, 2, d, 2 * d),
                                   lower::slice(c, all, 2, 2 * d, 3 * d)};
    h.query = parts[0];
    h.key = parts[1];
    h.value = parts[2];
  } else {
    V** targets[] = {&h.query, &h.key, &h.value};
    V* sources[] = {query, key, value};
    for (int64_t i = 0; i < 3; ++i) {
      *targets[i] = linear(c, sources[i], lower::slice(c, weight, 0, i * d, (i + 1) * d),
                           lower::slice(c, bias, 0, i * d, (i + 1) * d));
    }
  }
  if (c.has("mask")) h.mask = c.tensor("mask");
  if (c.has("mask_type")) h.mask_type = c.constant("mask_type");
  h.weights = c.flag("need_weights");
  h.average = c.flag("average_attn_weights");
  const Attended out = multi_head(c, h);
  if (c.refused()) return nullptr;
  return c.give(
      {linear(c, out.output, c.tensor("proj_weight"), c.tensor("proj_bias")), out.weights});
}

V* norm(LowerContext& c, V* x, const char* weight, const char* bias) {
  LayerNormalization op;
  op.axis = -1;
  op.epsilon = static_cast<float>(c.number("eps"));
  return c.b.emit(op, {x, c.tensor(weight), c.tensor(bias)});
}

// One layer of a transformer's encoder as one operator.
V* encoder_layer(LowerContext& c) {
  V* x = c.tensor("src");
  const int64_t d = c.constant("embed_dim");
  const bool first = c.flag("norm_first");
  auto attention = [&](V* in) {
    V* all = linear(c, in, c.tensor("qkv_weight"), c.tensor("qkv_bias"));
    Heads h{lower::slice(c, all, 2, 0, d), lower::slice(c, all, 2, d, 2 * d),
            lower::slice(c, all, 2, 2 * d, 3 * d), c.constant("num_heads")};
    if (c.has("mask")) h.mask = c.tensor("mask");
    if (c.has("mask_type")) h.mask_type = c.constant("mask_type");
    return linear(c, multi_head(c, h).output, c.tensor("proj_weight"), c.tensor("proj_bias"));
  };
  auto feed_forward = [&](V* in) {
    V* inner = linear(c, in, c.tensor("ffn_weight_1"), c.tensor("ffn_bias_1"));
    inner = c.flag("use_gelu") ? c.b.emit(Gelu{}, {inner}) : c.b.emit_named("Relu", {inner});
    return linear(c, inner, c.tensor("ffn_weight_2"), c.tensor("ffn_bias_2"));
  };
  if (lower::rank(c, x) != 3) return c.refuse("the input must have three dimensions, batch first");
  if (first) {
    x = lower::add(c, x, attention(norm(c, x, "norm_weight_1", "norm_bias_1")));
    return lower::add(c, x, feed_forward(norm(c, x, "norm_weight_2", "norm_bias_2")));
  }
  x = norm(c, lower::add(c, x, attention(x)), "norm_weight_1", "norm_bias_1");
  return norm(c, lower::add(c, x, feed_forward(x)), "norm_weight_2", "norm_bias_2");
}

}  // namespace attention_lowering

std::span<const torch::Lowering> attention_torch() {
  using namespace attention_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::scaled_dot_product_attention", plain},
      {"aten::_scaled_dot_product_flash_attention_for_cpu", with_statistics},
      {"aten::_scaled_dot_product_attention_math", with_statistics},
      {"aten::_scaled_dot_product_efficient_attention", with_statistics},
      {"aten::_native_multi_head_attention", native_multi_head},
      {"aten::_transformer_encoder_layer_fwd", encoder_layer},
  };
  return kAll;
}

}  // namespace tenon::ops
