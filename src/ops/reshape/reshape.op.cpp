#include "ops/reshape/reshape.h"

#include <algorithm>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

// What is left for the one dimension given as -1. Equal sizes on both sides cancel first, so that
// the quotient is exact also where products of sums would hide it.
Dim remaining_size(Sizes in, Sizes out) {
  std::erase_if(out, [&](const Dim& dim) {
    auto it = std::find(in.begin(), in.end(), dim);
    if (it == in.end()) return false;
    in.erase(it);
    return true;
  });
  return floordiv(ir::product(in), ir::product(out));
}

Status infer_reshape(InferContext& context) {
  const bool allowzero = context.as<Reshape>().allowzero;
  TRY(need_integer(context, 1));
  const Sizes* in = context.shape(0);
  const Contents target = flat_contents(context, 1);
  // Elements stay in order.
  keep_contents(context, 0, context.contents(0));
  if (!target) {
    const auto rank = vector_length(context, 1);
    context.set(0, context.dtype(0),
                rank ? std::optional(data_sizes(context, 0, *rank)) : std::nullopt);
    return {};
  }
  Sizes out;
  std::optional<size_t> rest;
  for (size_t i = 0; i < target->size(); ++i) {
    const Dim& wanted = (*target)[i];
    if (wanted.is(-1)) {
      if (rest) return context.fail("the new shape has -1 twice");
      rest = i;
      out.push_back(1);
    } else if (wanted.is(0) && !allowzero) {
      if (in && i >= in->size())
        return context.fail(
            fmt::format("the new shape copies dimension {} of {}", i, to_string(*in)));
      out.push_back(in ? (*in)[i] : context.data_dim(0, i));
    } else {
      if (wanted.is_constant() && *wanted.constant() < 0)
        return context.fail("the new shape " + to_string(*target) + " has a negative size");
      out.push_back(wanted);
    }
  }
  if (rest) {
    Sizes known = out;
    known.erase(known.begin() + static_cast<ptrdiff_t>(*rest));
    const Dim divisor = ir::product(known);
    if (in == nullptr || divisor.is(0)) {
      out[*rest] = context.data_dim(0, *rest);
    } else {
      out[*rest] = remaining_size(*in, known);
      const auto total = ir::product(*in).constant(), part = divisor.constant();
      if (total && part && *total % *part != 0)
        return context.fail(fmt::format("{} cannot become {}", to_string(*in), to_string(*target)));
    }
  } else if (in) {
    TRY(need_equal(context, ir::product(*in), ir::product(out),
                   fmt::format("{} cannot become {}", to_string(*in), to_string(*target))));
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> reshape_op() {
  static constexpr ir::OpSpec specs[] = {spec<Reshape>(2, 2, infer_reshape)};
  return specs;
}

}  // namespace tenon::ops
