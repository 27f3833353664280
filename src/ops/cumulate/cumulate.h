// Attributes of Cumulate, an operator of Tenon's own.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (X) -> (Y, places): each element combined with all before it along an axis, by
//   max, min    where a not-a-number stays, and of equal elements the later counts;
//   product;
//   logsumexp   the logarithm of the sum of the exponentials.
// The places, of max and min only, are those of the elements that Y holds.
struct Cumulate {
  static constexpr std::string_view kName = "Cumulate";
  static constexpr std::string_view kDomain = "tenon";
  std::string function = "max";
  int64_t axis = 0;
  static constexpr auto fields() {
    return std::tuple{ir::field("function", &Cumulate::function),
                      ir::field("axis", &Cumulate::axis)};
  }
};

}  // namespace tenon::ops
