// A graph as text: one line a node, types, attributes and source lines.
#pragma once

#include <string>

#include "ir/graph.h"

namespace tenon::ir {

struct PrintOptions {
  bool types = true;
  bool origins = true;
};
std::string print(const Graph& graph, PrintOptions options = {});

}  // namespace tenon::ir
