// A model in 16 bits for ONNX of one opset: what a user asks for, in the terms of the pass.
#pragma once

#include "api/tables.h"
#include "passes/reduced_precision.h"

namespace tenon::api {

struct PrecisionOptions {
  DType type = DType::f16;
  int opset = 17;
  // "keep", "fp16", "bf16" or "fp32" for all, NAME:fp16 for one, separated by commas.
  std::string io_types = "keep";
  // Operators ("Softmax", "tenon::SVD"), nodes by their names in the ONNX file, modules
  // ("layer4.1").
  std::vector<std::string> keep_fp32 = {};
};

// "fp16", "bf16", "fp32"; undefined where it is none of them.
DType precision_from_name(std::string_view name);
std::string_view precision_name(DType type);

// Changes the graph in place.
Result<passes::ReducedPrecision> reduce_precision(ir::Graph& graph, const PrecisionOptions& options,
                                                  const Tables& tables);

}  // namespace tenon::api
