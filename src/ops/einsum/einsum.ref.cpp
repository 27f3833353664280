#include "ops/einsum/einsum.h"

#include <map>

#include "ops/common/einsum_equation.h"
#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

// Axes under one name each: letters as they are, the ellipsis's axes as '0', '1', ... from its end.
Result<std::vector<std::string>> name_axes(const RefContext& c, const EinsumEquation& equation,
                                           std::string& output) {
  std::vector<std::string> out;
  size_t longest = 0;
  for (size_t i = 0; i < equation.inputs.size(); ++i) {
    const std::string& term = equation.inputs[i];
    const size_t rank = c.input(i).shape().size();
    const bool dots = term.find('.') != std::string::npos;
    const size_t letters = term.size() - (dots ? 1 : 0);
    if (rank < letters || (!dots && rank != letters) || rank - letters > 10)
      return c.fail(fmt::format("operand {} does not have the axes {}", i, term));
    std::string names;
    for (char letter : term) {
      if (letter != '.') names += letter;
      for (size_t k = rank - letters; letter == '.' && k-- > 0;)
        names += static_cast<char>('0' + k);
    }
    longest = std::max(longest, rank - letters);
    out.push_back(names);
  }
  for (char letter : equation.output) {
    if (letter != '.') output += letter;
    for (size_t k = longest; letter == '.' && k-- > 0;) output += static_cast<char>('0' + k);
  }
  return out;
}

Status run_einsum(RefContext& c) {
  TRY(need_computable(c));
  const auto equation = parse_einsum(c.as<Einsum>().equation);
  if (!equation) return c.fail("in the equation: " + equation.error());
  if (equation->inputs.size() != c.inputs.size()) return c.fail("the operands do not fit");
  std::string kept;
  const auto terms = TRY(name_axes(c, *equation, kept));
  std::map<char, int64_t> sizes;
  for (size_t i = 0; i < terms.size(); ++i) {
    for (size_t d = 0; d < terms[i].size(); ++d) {
      auto [it, fresh] = sizes.try_emplace(terms[i][d], c.input(i).shape()[d]);
      if (it->second == 1) it->second = c.input(i).shape()[d];
      if (c.input(i).shape()[d] != it->second && c.input(i).shape()[d] != 1)
        return c.fail(fmt::format("axis {} has two sizes", terms[i][d]));
    }
  }
  std::string summed;
  Dims out_dims, sum_dims;
  for (char name : kept) out_dims.push_back(sizes[name]);
  for (const auto& [name, size] : sizes) {
    if (kept.find(name) != std::string::npos) continue;
    summed += name;
    sum_dims.push_back(size);
  }
  TRY(check_size(c, c.input(0).dtype(), out_dims));
  // Offsets of every operand for each result, and for each term of its sum.
  std::vector<std::vector<int64_t>> bases, steps;
  std::vector<std::vector<double>> values;
  for (size_t i = 0; i < terms.size(); ++i) {
    const Dims& dims = c.input(i).shape();
    const Dims own = strides_of(dims);
    auto view = [&](const std::string& names, const Dims& view_dims) {
      Dims strides;
      for (char name : names) {
        int64_t stride = 0;  // an axis that stands twice runs along the diagonal
        for (size_t d = 0; d < terms[i].size(); ++d) {
          if (terms[i][d] == name && dims[d] != 1) stride += own[d];
        }
        strides.push_back(stride);
      }
      return offsets(view_dims, strides);
    };
    bases.push_back(view(kept, out_dims));
    steps.push_back(view(summed, sum_dims));
    values.push_back(elements<double>(c.input(i)));
  }
  std::vector<double> out(static_cast<size_t>(element_count(out_dims)));
  for (size_t at = 0; at < out.size(); ++at) {
    for (size_t k = 0; k < steps[0].size(); ++k) {
      double product = 1;
      for (size_t i = 0; i < values.size(); ++i)
        product *= values[i][static_cast<size_t>(bases[i][at] + steps[i][k])];
      out[at] += product;
    }
  }
  c.outputs[0] = from_elements<double>(c.input(0).dtype(), out_dims, out);
  return {};
}

}  // namespace

std::span<const RefKernel> einsum_ref() {
  static constexpr RefKernel kernels[] = {kernel<Einsum>(run_einsum)};
  return kernels;
}

}  // namespace tenon::ops
