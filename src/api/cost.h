// How much work a graph is, before anything runs.
#pragma once

#include "ir/graph.h"

namespace tenon::api {

// Multiply-adds of its convolutions and matrix products, in which nearly all the work of a network
// lies, at the sizes given; control flow counts once.
double multiply_adds(const ir::Graph& graph, const ir::Bindings& sizes);

}  // namespace tenon::api
