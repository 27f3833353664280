// Brings a canonical graph to the operators of one opset; the writer's inner part.
#pragma once

#include "onnx/mapping.h"

namespace tenon::onnx {

struct LowerOptions {
  int opset = 17;
  // Operators of the `tenon` domain may stay where ONNX has nothing to compose them from.
  bool allow_tenon_domain = false;
};

// Changes `graph` in place: its nodes then have the names, inputs and attributes of the opset, and
// the graph is no canonical one any more. Everything that the opset cannot say is reported, in one
// error of kind `unsupported`.
Status lower(ir::Graph& graph, const LowerOptions& options, const ir::OpSet& ops,
             const Mappings& mappings);

}  // namespace tenon::onnx
