#include "api/tables.h"

#include "ops/tables.h"
#include "torch/lowering.h"

namespace tenon::api {

Tables make_tables() {
  const ir::OpSet operators(ops::op_table());
  const ir::RefKernels refs(ops::ref_table());
  return {.ops = operators,
          .refs = refs,
          .onnx = onnx::Mappings(ops::onnx_table()),
          .lowerings = torch::Lowerings(ops::torch_table()),
          .cpu = {.ops = operators, .refs = refs, .kernels = ops::cpu_table()}};
}

}  // namespace tenon::api
