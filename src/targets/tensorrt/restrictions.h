// What an operator has to be like for a release to take it, beyond its types: one row a check.
#pragma once

#include <string>

#include "ir/graph.h"
#include "targets/tensorrt/release.h"

namespace tenon::tensorrt {

// K of a TopK, in all releases.
inline constexpr int64_t kMostFound = 3840;

// Why the release refuses this form of an operator that it has; empty where nothing speaks against
// it. The node is one of `opset`.
std::string restricted(const ir::Node& node, const Release& release, int opset);

}  // namespace tenon::tensorrt
