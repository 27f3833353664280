#include "ops/unique/unique.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> unique_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::plain<Unique>({.widen = onnx::Widen::numbers})};
  return rows;
}

}  // namespace tenon::ops
