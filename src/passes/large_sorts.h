// TopK of more elements than a target finds, as a sorting network.
#pragma once

#include "passes/passes.h"

namespace tenon::passes {

// Every TopK with sorted results and a K that may be larger than `most` becomes a bitonic sort
// (Batcher, "Sorting networks and their applications", 1968): log2(n) (log2(n) + 1) / 2 steps in a
// Loop, each of which compares every element with one other. Of equal elements those come first
// that did, as ONNX has it. Leaves those alone whose sizes are not fixed.
Status compose_large_sorts(ir::Graph& graph, int64_t most, const PassContext& context);

}  // namespace tenon::passes
