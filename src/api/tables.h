// Every operator's parts in the forms that front ends, writer and engines take; made once at the
// top.
#pragma once

#include "ir/op.h"
#include "ir/ref_kernel.h"
#include "onnx/mapping.h"
#include "targets/cpu/engine.h"
#include "torch/machine.h"

namespace tenon::api {

struct Tables {
  ir::OpSet ops;
  ir::RefKernels refs;
  onnx::Mappings onnx;
  torch::Lowerings lowerings;
  cpu::Tables cpu;
};

Tables make_tables();

}  // namespace tenon::api
