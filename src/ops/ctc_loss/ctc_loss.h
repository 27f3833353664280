// Attributes of CTCLoss, an operator of Tenon's own.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (log_probs [T, N, C], targets, input_lengths [N], target_lengths [N])
//   -> (negative log likelihood [N], log alpha [N, T, 2 * longest target + 1]).
// Connectionist temporal classification (Graves et al. 2006). The targets are one row for each
// sample, or all one after the other. Log alpha is -inf where the recursion does not come.
struct CTCLoss {
  static constexpr std::string_view kName = "CTCLoss";
  static constexpr std::string_view kDomain = "tenon";
  int64_t blank = 0;
  static constexpr auto fields() { return std::tuple{ir::field("blank", &CTCLoss::blank)}; }
};

}  // namespace tenon::ops
