#include "api/tables.h"

#include "ops/tables.h"
#include "torch/lowering.h"

namespace tenon::api {

Tables make_tables() {
  return {.ops = ir::OpSet(ops::op_table()),
          .refs = ir::RefKernels(ops::ref_table()),
          .onnx = onnx::Mappings(ops::onnx_table()),
          .lowerings = torch::Lowerings(ops::torch_table())};
}

}  // namespace tenon::api
