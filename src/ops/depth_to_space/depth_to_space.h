// Attributes of DepthToSpace, SpaceToDepth, as in ONNX.
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (input) -> output; since opset 28.
struct DepthToSpace {
  static constexpr std::string_view kName = "DepthToSpace";
  int64_t blocksize = {};
  std::string mode = "DCR";
  static constexpr auto fields() {
    return std::tuple{ir::field("blocksize", &DepthToSpace::blocksize),
                      ir::field("mode", &DepthToSpace::mode)};
  }
};

// (input) -> output; since opset 28.
struct SpaceToDepth {
  static constexpr std::string_view kName = "SpaceToDepth";
  int64_t blocksize = {};
  std::string mode = "DCR";
  static constexpr auto fields() {
    return std::tuple{ir::field("blocksize", &SpaceToDepth::blocksize),
                      ir::field("mode", &SpaceToDepth::mode)};
  }
};

}  // namespace tenon::ops
