#include "ops/orthogonal_polynomial/orthogonal_polynomial.h"

#include <algorithm>
#include <array>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

constexpr std::array kFamilies = {
    "chebyshev_t",         "chebyshev_u",         "chebyshev_v",         "chebyshev_w",
    "shifted_chebyshev_t", "shifted_chebyshev_u", "shifted_chebyshev_v", "shifted_chebyshev_w",
    "hermite_h",           "hermite_he",          "laguerre_l",          "legendre_p"};

Status infer_polynomial(InferContext& context) {
  const std::string family = context.as<OrthogonalPolynomial>().family;
  if (std::find(kFamilies.begin(), kFamilies.end(), family) == kFamilies.end())
    return context.fail("there is no family '" + family + "'");
  TRY(need_floating(context, 0));
  return infer_broadcast(context);
}

}  // namespace

std::span<const ir::OpSpec> orthogonal_polynomial_op() {
  static constexpr ir::OpSpec specs[] = {
      {.name = OrthogonalPolynomial::kName,
       .min_inputs = 2,
       .max_inputs = 2,
       .infer = infer_polynomial,
       .check_attributes = &ir::attributes_of<OrthogonalPolynomial>,
       .domain = OrthogonalPolynomial::kDomain}};
  return specs;
}

}  // namespace tenon::ops
