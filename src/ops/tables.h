// Every operator's parts, gathered by the build from the folders (cmake/AddOperator.cmake). The top
// of the program hands them to front ends and engines; nothing below it calls these.
#pragma once

#include <vector>

namespace tenon::ir {
struct OpSpec;
struct RefKernel;
}  // namespace tenon::ir
namespace tenon::torch {
struct Lowering;
}
namespace tenon::onnx {
struct Mapping;
}
namespace tenon::cpu {
struct KernelSpec;
}

namespace tenon::ops {

std::vector<const ir::OpSpec*> op_table();
std::vector<const ir::RefKernel*> ref_table();
std::vector<const torch::Lowering*> torch_table();
std::vector<const onnx::Mapping*> onnx_table();
std::vector<const cpu::KernelSpec*> cpu_table();

}  // namespace tenon::ops
