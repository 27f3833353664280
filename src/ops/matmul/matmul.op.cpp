#include "ops/matmul/matmul.h"

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

// As numpy.matmul: vectors are rows on the left, columns on the right; leading axes broadcast.
Status infer_matmul(InferContext& context) {
  TRY(need_numeric(context, 0));
  TRY(same_dtype(context, 0, 1));
  const Sizes* pa = context.shape(0);
  const Sizes* pb = context.shape(1);
  if (pa == nullptr || pb == nullptr) {
    context.set(0, context.dtype(0), std::nullopt);
    return {};
  }
  Sizes a = *pa, b = *pb;
  if (a.empty() || b.empty()) return context.fail("an input is a scalar");
  const bool row = a.size() == 1, column = b.size() == 1;
  if (row) a.insert(a.begin(), Dim(1));
  if (column) b.push_back(Dim(1));
  TRY(need_equal(
      context, a.back(), b[b.size() - 2],
      fmt::format("the inner sizes of {} and {} differ", to_string(*pa), to_string(*pb))));
  const Dim rows = a[a.size() - 2], columns = b.back();
  a.resize(a.size() - 2);
  b.resize(b.size() - 2);
  Sizes out = TRY(broadcast_sizes(context, a, b));
  if (!row) out.push_back(rows);
  if (!column) out.push_back(columns);
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> matmul_op() {
  static constexpr ir::OpSpec specs[] = {spec<MatMul>(2, 2, infer_matmul)};
  return specs;
}

}  // namespace tenon::ops
