#include "ops/pool/pool.h"

#include "onnx/mapping.h"
#include "ops/common/onnx_window.h"
#include "ops/global_pool/global_pool.h"
#include "ops/reduce/reduce.h"

namespace tenon::ops {
namespace {

// GlobalLpPool: the norm of each channel.
Result<onnx::Values> read_global_lp_pool(onnx::ImportContext& c) {
  const int64_t p = c.take<int64_t>("p").value_or(2);
  if (p != 1 && p != 2) return c.fail(fmt::format("it takes the norm of order {}", p));
  if (!c.input(0)->rank()) return c.fail("the rank of its input is not known");
  std::vector<int64_t> axes;
  for (size_t i = 2; i < *c.input(0)->rank(); ++i) axes.push_back(static_cast<int64_t>(i));
  c.inputs.push_back(c.b.ints(axes));
  return p == 1 ? c.emit<ReduceL1>() : c.emit<ReduceL2>();
}

}  // namespace

std::span<const onnx::Mapping> pool_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<MaxPool>({.read = onnx_window::read_pool<MaxPool>,
                            .write = onnx_window::write_pool<MaxPool>,
                            .widen = onnx::Widen::numbers}),
      onnx::plain<AveragePool>({.read = onnx_window::read_pool<AveragePool>,
                                .write = onnx_window::write_pool<AveragePool>}),
      onnx::plain<LpPool>(
          {.read = onnx_window::read_pool<LpPool>, .write = onnx_window::write_pool<LpPool>}),
      onnx::read_only("GlobalLpPool", read_global_lp_pool),
  };
  return rows;
}

}  // namespace tenon::ops
