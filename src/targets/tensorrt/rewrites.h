// What TensorRT refuses or gets wrong in one form and takes in another, said in the other.
#pragma once

#include "ir/op.h"
#include "targets/tensorrt/release.h"

namespace tenon::tensorrt {

// Changes a canonical graph, subgraphs included; it computes what it did. rewrite_parts.h says what
// is rewritten, and why.
Status rewrite(ir::Graph& graph, const Release& release, const ir::OpSet& ops);

}  // namespace tenon::tensorrt
