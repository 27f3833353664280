// Types where control flow joins, and sizes that must not leave the graph that defines them.
#pragma once

#include "ops/common/infer.h"

namespace tenon::ops {

// A size that is decided when `value` is computed; the same symbol each time.
Dim data_dim_of(ir::Value& value, size_t axis);
// Whether every symbol of the size is known in `graph`.
bool visible_in(const Dim& dim, const ir::Graph& graph);
// What is true of both types, as the type of `value`: sizes that differ, or that are not known
// outside, become sizes that the data decides. nullopt where element types or kinds differ.
std::optional<ir::Type> merge_types(const ir::Type& a, const ir::Type& b, ir::Value& value);

}  // namespace tenon::ops
