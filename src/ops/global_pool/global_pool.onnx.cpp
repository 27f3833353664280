#include "ops/global_pool/global_pool.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> global_pool_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<GlobalAveragePool>(),
      onnx::plain<GlobalMaxPool>(),
  };
  return rows;
}

}  // namespace tenon::ops
