// Whether two graphs are the same computation, whatever their values, nodes and symbols are called.
#pragma once

#include <string>

#include "ir/graph.h"

namespace tenon::passes {

// A text of 32 hexadecimal digits that depends on the inputs' types, on everything that the outputs
// are computed from (operators, attributes, constants bit by bit, subgraphs), and on the guards;
// not on names, origins, or the order of independent nodes.
std::string digest(const ir::Graph& graph);

}  // namespace tenon::passes
