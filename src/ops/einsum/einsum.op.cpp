#include "ops/einsum/einsum.h"

#include <map>

#include "ops/common/einsum_equation.h"
#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

Status infer_einsum(InferContext& context) {
  TRY(need_numeric(context, 0));
  TRY(same_dtype(context, 0, context.input_count() - 1));
  const auto equation = parse_einsum(context.as<Einsum>().equation);
  if (!equation) return context.fail("in the equation: " + equation.error());
  if (equation->inputs.size() != context.input_count())
    return context.fail(fmt::format("the equation has {} operands, not {}", equation->inputs.size(),
                                    context.input_count()));
  std::map<char, Dim> sizes;
  Sizes ellipsis;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const Sizes* x = context.shape(i);
    const std::string& term = equation->inputs[i];
    if (x == nullptr) {
      context.set(0, context.dtype(0),
                  equation->output.find('.') == std::string::npos
                      ? std::optional(data_sizes(context, 0, equation->output.size()))
                      : std::nullopt);
      return {};
    }
    const bool dots = term.find('.') != std::string::npos;
    const size_t letters = term.size() - (dots ? 1 : 0);
    if (x->size() < letters || (!dots && x->size() != letters))
      return context.fail(fmt::format("operand {} is {}, not {}", i, to_string(*x), term));
    size_t axis = 0;
    for (char c : term) {
      if (c == '.') {
        const size_t count = x->size() - letters;
        const Sizes part(x->begin() + static_cast<ptrdiff_t>(axis),
                         x->begin() + static_cast<ptrdiff_t>(axis + count));
        ellipsis = TRY(broadcast_sizes(context, ellipsis, part));
        axis += count;
        continue;
      }
      const Dim& size = (*x)[axis++];
      auto [it, fresh] = sizes.try_emplace(c, size);
      if (fresh) continue;
      if (it->second.is(1)) it->second = size;
      if (!size.is(1))
        TRY(need_equal(context, it->second, size, fmt::format("axis {} has two sizes", c)));
      if (size.is_constant() && !size.is(1)) it->second = size;
    }
  }
  Sizes out;
  for (char c : equation->output) {
    if (c == '.')
      out.insert(out.end(), ellipsis.begin(), ellipsis.end());
    else
      out.push_back(sizes[c]);
  }
  context.set(0, context.dtype(0), std::move(out));
  return {};
}

}  // namespace

std::span<const ir::OpSpec> einsum_op() {
  static constexpr ir::OpSpec specs[] = {spec<Einsum>(1, -1, infer_einsum)};
  return specs;
}

}  // namespace tenon::ops
