// Checks that a graph is well formed: order, uses, names of symbols, operators, and that types are
// what inference gives.
#pragma once

#include "ir/op.h"

namespace tenon::ir {

// `after` names the pass or step that made the graph, for the message.
Status verify(const Graph& graph, const OpSet& ops, std::string_view after);

}  // namespace tenon::ir
