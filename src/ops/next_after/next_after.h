// Attributes of NextAfter, an operator of Tenon's own.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (A, B) -> C, broadcast: the next number after A that the type holds, towards B.
struct NextAfter {
  static constexpr std::string_view kName = "NextAfter";
  static constexpr std::string_view kDomain = "tenon";
  static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace tenon::ops
