#include "ops/special/special.h"

#include <algorithm>
#include <array>

#include "ops/common/infer.h"

namespace tenon::ops {
namespace {

constexpr std::array kOfOne = {"lgamma",   "digamma", "trigamma", "erfinv",      "erfcx", "ndtr",
                               "log_ndtr", "ndtri",   "airy_ai",  "i0",          "i0e",   "i1",
                               "i1e",      "k0",      "k0e",      "k1",          "k1e",   "j0",
                               "j1",       "y0",      "y1",       "spherical_j0"};
constexpr std::array kOfTwo = {"zeta", "igamma", "igammac"};

Status infer_special(InferContext& context) {
  const std::string function = context.as<Special>().function;
  const bool two = std::find(kOfTwo.begin(), kOfTwo.end(), function) != kOfTwo.end();
  if (!two && std::find(kOfOne.begin(), kOfOne.end(), function) == kOfOne.end())
    return context.fail("there is no function '" + function + "'");
  if (context.input_count() != (two ? 2 : 1))
    return context.fail(fmt::format("{} is of {}", function, two ? "two numbers" : "one number"));
  TRY(need_floating(context, 0));
  return two ? infer_broadcast(context) : infer_same(context);
}

}  // namespace

std::span<const ir::OpSpec> special_op() {
  static constexpr ir::OpSpec specs[] = {{.name = Special::kName,
                                          .max_inputs = 2,
                                          .infer = infer_special,
                                          .check_attributes = &ir::attributes_of<Special>,
                                          .domain = Special::kDomain}};
  return specs;
}

}  // namespace tenon::ops
