// Whether the dynamic dimensions of a graph can vary: its types are inferred anew at other sizes.
#pragma once

#include <vector>

#include "ir/op.h"
#include "torch/machine.h"

namespace tenon::api {

// Fails where a dynamic dimension of an input fits one size only, naming the line that fixes it;
// says in `notices` which sizes of its range were tried and do not fit. `hint`: what to do about
// it.
Status check_dynamic_sizes(const ir::Graph& graph, const ir::OpSet& ops, const std::string& hint,
                           std::vector<torch::Notice>& notices);

}  // namespace tenon::api
