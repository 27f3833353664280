// Resize for targets that have it without filters.
#pragma once

#include "passes/passes.h"

namespace tenon::passes {

// A Resize that filters where it makes smaller (antialias), keeps the ratio of its axes or places
// samples around the middle is the products with its weights, one for each axis, where sizes are
// fixed. Others are left alone.
Status multiply_resizes(ir::Graph& graph, const PassContext& context);

}  // namespace tenon::passes
