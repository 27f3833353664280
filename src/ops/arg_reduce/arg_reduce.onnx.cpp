#include "ops/arg_reduce/arg_reduce.h"

#include "onnx/mapping.h"

namespace tenon::ops {

std::span<const onnx::Mapping> arg_reduce_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<ArgMax>(),
      onnx::plain<ArgMin>(),
  };
  return rows;
}

}  // namespace tenon::ops
