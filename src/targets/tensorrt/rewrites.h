// What TensorRT refuses or gets wrong in one form and takes in another, said in the other.
#pragma once

#include "ir/graph.h"

namespace tenon::tensorrt {

// Changes a canonical graph, subgraphs included; it computes what it did.
//
// Loop: a condition that is always true is left out, and the body gives a constant for it. With a
// condition, TensorRT counts on it and on the trip count both, and takes the sizes of what the loop
// collects from the latter ("may have the wrong shape"). Without one it does not find the body's
// input for it, so nothing in the body may use that. A loop that carries nothing keeps one.
void rewrite(ir::Graph& graph);

}  // namespace tenon::tensorrt
