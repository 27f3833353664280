#include <algorithm>

#include "ops/common/einsum_equation.h"
#include "ops/common/lower.h"
#include "ops/einsum/einsum.h"

namespace tenon::ops {
namespace einsum_lowering {

using lower::V;
using torch::LowerContext;

// A tensor with a letter for each axis.
struct Term {
  V* value = nullptr;
  std::string axes;
};

bool has(const std::string& letters, char letter) {
  return letters.find(letter) != std::string::npos;
}

// The term with its axes in this order, all of which it has.
Term ordered(LowerContext& c, const Term& term, const std::string& axes) {
  std::vector<int64_t> permutation;
  for (char letter : axes) permutation.push_back(static_cast<int64_t>(term.axes.find(letter)));
  if (std::ranges::is_sorted(permutation)) return {term.value, axes};
  return {lower::transpose(c, term.value, permutation), axes};
}

// Sums over the axes that nothing else has.
Term summed(LowerContext& c, const Term& term, const std::string& kept) {
  Term out;
  std::vector<int64_t> axes;
  for (size_t i = 0; i < term.axes.size(); ++i) {
    if (has(kept, term.axes[i]))
      out.axes += term.axes[i];
    else
      axes.push_back(static_cast<int64_t>(i));
  }
  out.value = axes.empty() ? term.value : lower::reduce(c, "ReduceSum", term.value, axes, false);
  return out;
}

// One product of matrices: what both have and is kept is the batch, what both have and is not is
// summed over, the rest are rows and columns.
Term multiplied(LowerContext& c, Term a, Term b, const std::string& kept) {
  a = summed(c, a, kept + b.axes);
  b = summed(c, b, kept + a.axes);
  std::string batch, rows, columns, inner;
  for (char letter : a.axes) {
    if (!has(b.axes, letter))
      rows += letter;
    else if (has(kept, letter))
      batch += letter;
    else
      inner += letter;
  }
  for (char letter : b.axes) {
    if (!has(a.axes, letter)) columns += letter;
  }
  a = ordered(c, a, batch + rows + inner);
  b = ordered(c, b, batch + inner + columns);
  auto size_of = [&](const Term& term, const std::string& axes) {
    const Sizes sizes = lower::sizes(c, term.value);
    Sizes out;
    for (char letter : axes) out.push_back(sizes[term.axes.find(letter)]);
    return out;
  };
  Sizes batches = size_of(a, batch), out = batches;
  const Sizes row_sizes = size_of(a, rows), column_sizes = size_of(b, columns);
  const ir::Dim depth = ir::product(size_of(a, inner));
  auto matrix = [&](V* x, const ir::Dim& height, const ir::Dim& width, bool is_one) {
    Sizes sizes = batches;
    sizes.insert(sizes.end(), {height, width});
    return is_one ? x : lower::reshape(c, x, sizes);
  };
  V* product = lower::matmul(
      c, matrix(a.value, ir::product(row_sizes), depth, rows.size() == 1 && inner.size() == 1),
      matrix(b.value, depth, ir::product(column_sizes), columns.size() == 1 && inner.size() == 1));
  out.insert(out.end(), row_sizes.begin(), row_sizes.end());
  out.insert(out.end(), column_sizes.begin(), column_sizes.end());
  if (rows.size() != 1 || columns.size() != 1) product = lower::reshape(c, product, out);
  return {product, batch + rows + columns};
}

// The operands with a letter for each axis; nothing where the equation needs more than sums and
// products of matrices: diagonals, ellipses, sizes of one that broadcast.
std::optional<std::vector<Term>> plain_terms(LowerContext& c, const EinsumEquation& equation,
                                             const std::vector<V*>& operands) {
  std::vector<Term> out;
  std::vector<std::pair<char, ir::Dim>> sizes;
  if (equation.inputs.size() != operands.size()) return std::nullopt;
  for (size_t i = 0; i < operands.size(); ++i) {
    const std::string& axes = equation.inputs[i];
    const auto& shape = operands[i]->shape();
    if (has(axes, '.') || !shape || shape->size() != axes.size()) return std::nullopt;
    for (size_t d = 0; d < axes.size(); ++d) {
      if (has(axes.substr(0, d), axes[d])) return std::nullopt;
      const auto it = std::ranges::find(sizes, axes[d], &std::pair<char, ir::Dim>::first);
      if (it == sizes.end())
        sizes.emplace_back(axes[d], (*shape)[d]);
      else if (!(it->second == (*shape)[d]))
        return std::nullopt;
    }
    out.push_back({operands[i], axes});
  }
  for (char letter : equation.output) {
    if (std::ranges::find(sizes, letter, &std::pair<char, ir::Dim>::first) == sizes.end())
      return std::nullopt;
  }
  return out;
}

V* einsum(LowerContext& c) {
  std::string equation;
  for (char letter : c.text("equation")) {
    if (letter != ' ') equation += letter;
  }
  std::vector<V*> operands = c.tensors("tensors");
  DType type = DType::undefined;
  for (V* one : operands) {
    if (one == nullptr) return c.refuse("an operand is missing");
    type = torch::promote(type, one->dtype());
  }
  for (V*& one : operands) one = c.b.cast(one, type);
  const auto parsed = parse_einsum(equation);
  if (parsed && is_floating(type)) {
    if (auto terms = plain_terms(c, *parsed, operands); terms && !terms->empty()) {
      Term result = terms->front();
      for (size_t i = 1; i < terms->size(); ++i) {
        std::string kept = parsed->output;
        for (size_t k = i + 1; k < terms->size(); ++k) kept += (*terms)[k].axes;
        result = multiplied(c, result, (*terms)[i], kept);
      }
      result = summed(c, result, parsed->output);
      return ordered(c, result, parsed->output).value;
    }
  }
  return c.b.emit(Einsum{.equation = equation}, std::move(operands));
}

}  // namespace einsum_lowering

std::span<const torch::Lowering> einsum_torch() {
  static constexpr torch::Lowering kAll[] = {{"aten::einsum", einsum_lowering::einsum}};
  return kAll;
}

}  // namespace tenon::ops
