#include "ops/svd/svd.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> svd_onnx() {
  static constexpr onnx::Mapping rows[] = {onnx::lacking<SVD>("ONNX has no singular value decomposition")};
  return rows;
}

}  // namespace tenon::ops
