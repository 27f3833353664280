// Gives symbols their values from the inputs of a run, and checks what was promised about them.
#pragma once

#include <span>

#include "ir/graph.h"

namespace tenon::cpu {

// Fails where an input has another type, rank or size than the graph's, or a symbol is out of its
// range.
Result<ir::Bindings> bind_inputs(const ir::Graph& graph, std::span<const Tensor> inputs);
// The sizes to optimise for: each symbol's opt, or a size within its range.
ir::Bindings opt_bindings(const ir::Graph& graph);
// Checks the guards whose symbols are all bound.
Status check_guards(const ir::Graph& graph, const ir::Bindings& bindings);
// True where every symbol follows from the inputs and no node needs its values to tell its sizes:
// all memory can be planned before a run.
bool is_static(const ir::Graph& graph);

Result<Dims> evaluate(const ir::Shape& shape, const ir::Bindings& bindings);

}  // namespace tenon::cpu
