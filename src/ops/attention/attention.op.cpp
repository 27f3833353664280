#include "ops/attention/attention.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

// Sizes of an input as [batch, heads, sequence, head size], whichever of both layouts it has.
Result<Sizes> head_sizes(InferContext& context, size_t i, std::optional<int64_t> heads) {
  const Sizes& x = *context.shape(i);
  if (x.size() == 4) return x;
  if (x.size() != 3)
    return context.fail(fmt::format("input {} has {} dimensions, not 3 or 4", i, x.size()));
  if (!heads || *heads < 1)
    return context.fail("inputs of three dimensions need q_num_heads and kv_num_heads");
  if (x[2].is_constant() && *x[2].constant() % *heads != 0)
    return context.fail(fmt::format("{} heads do not divide {}", *heads, x[2].str()));
  return Sizes{x[0], Dim(*heads), x[1], floordiv(x[2], *heads)};
}

Status infer_attention(InferContext& context) {
  TRY(need_floating(context, 0));
  TRY(same_dtype(context, 0, 1));
  const auto op = context.as<Attention>();
  if (context.shape(0) == nullptr || context.shape(1) == nullptr || context.shape(2) == nullptr) {
    for (size_t i = 0; i < context.output_count(); ++i)
      context.set(i, context.dtype(i == 2 ? 2 : 0), std::nullopt);
    return {};
  }
  const Sizes q = TRY(head_sizes(context, 0, op.q_num_heads));
  const Sizes k = TRY(head_sizes(context, 1, op.kv_num_heads));
  const Sizes v = TRY(head_sizes(context, 2, op.kv_num_heads));
  TRY(need_equal(context, q[3], k[3], "the head sizes of Q and K differ"));
  TRY(need_equal(context, k[2], v[2], "the sequence lengths of K and V differ"));
  TRY(need_equal(context, k[1], v[1], "the numbers of heads of K and V differ"));
  if (q[1].is_constant() && k[1].is_constant() &&
      (*k[1].constant() < 1 || *q[1].constant() % *k[1].constant() != 0))
    return context.fail(fmt::format("{} heads of K do not divide {} of Q", k[1].str(), q[1].str()));
  Dim total = k[2];
  if (context.has(4)) {
    const Sizes* past = context.shape(4);
    if (past == nullptr || past->size() != 4)
      return context.fail("past_key has no known shape of four dimensions");
    total = total + (*past)[2];
  }
  if (context.shape(0)->size() == 3)
    context.set(0, context.dtype(0), Sizes{q[0], q[2], q[1] * v[3]});
  else
    context.set(0, context.dtype(0), Sizes{q[0], q[1], q[2], v[3]});
  context.set(1, context.dtype(1), Sizes{k[0], k[1], total, k[3]});
  context.set(2, context.dtype(2), Sizes{v[0], v[1], total, v[3]});
  context.set(3, context.dtype(0), Sizes{q[0], q[1], q[2], total});
  return {};
}

}  // namespace

std::span<const ir::OpSpec> attention_op() {
  static constexpr ir::OpSpec specs[] = {spec<Attention>(3, 7, infer_attention, 1, 4)};
  return specs;
}

}  // namespace tenon::ops
