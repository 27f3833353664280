// What a release of TensorRT would refuse of a model, told before it is asked.
#pragma once

#include "ir/graph.h"
#include "targets/tensorrt/release.h"

namespace tenon::tensorrt {

struct LegalityOptions {
  int opset = 17;    // that the graph was lowered to
  bool dla = false;  // it is to run on DLA as far as that goes: refused where the release has none
};

// Fails with everything that the release does not take of the graph, which onnx::lower brought to
// the opset: operators, types, forms of operators. One error of kind `unsupported`; equal problems
// stand there once, with their number and the first one's place.
Status check(const ir::Graph& lowered, const Release& release, const LegalityOptions& options);

}  // namespace tenon::tensorrt
