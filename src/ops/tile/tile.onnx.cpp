#include "ops/tile/tile.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> tile_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Tile>()};
  return rows;
}

}  // namespace tenon::ops
