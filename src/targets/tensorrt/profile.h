// Optimisation profiles: for which sizes of the dynamic dimensions an engine is built.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace tenon::tensorrt {

// The sizes of one input; those of its dimensions that are fixed are the same in all three.
struct ProfileShape {
  std::string input;
  std::vector<int64_t> min, opt, max;
  bool operator==(const ProfileShape&) const = default;
};
using Profile = std::vector<ProfileShape>;  // of the inputs that have dynamic dimensions

// What the ranges of the graph's symbols say. Fails with every dimension that has no largest size,
// and with inputs whose rank is not known.
Result<Profile> profile_of(const ir::Graph& graph);

}  // namespace tenon::tensorrt
