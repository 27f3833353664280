// Brings a canonical graph to the operators of one opset; the writer's inner part.
#pragma once

#include "onnx/mapping.h"

namespace tenon::onnx {

struct LowerOptions {
  int opset = 17;
  // Operators of the `tenon` domain may stay where ONNX has nothing to compose them from.
  bool allow_tenon_domain = false;
};

// An operator that the opset lacks, or lacks for these types, and that stands in the file as
// others.
struct Composition {
  std::string op;      // "GroupNormalization", "tenon::Svd"
  std::string reason;  // "appears in opset 18"
  size_t count = 0;    // how many of them there were
  size_t nodes = 0;    // that stand for all of them
  Where where;         // of the first
};

// Changes `graph` in place: its nodes then have the names, inputs and attributes of the opset, and
// the graph is no canonical one any more. Everything that the opset cannot say is reported, in one
// error of kind `unsupported`. Gives what was composed, in the graph's order.
Result<std::vector<Composition>> lower(ir::Graph& graph, const LowerOptions& options,
                                       const ir::OpSet& ops, const Mappings& mappings);

}  // namespace tenon::onnx
