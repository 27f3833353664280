// Inputs at the ends of a model's dynamic sizes and in between.
#pragma once

#include <string>
#include <vector>

#include "api/inputs.h"

namespace tenon::cli {

struct SizedInputs {
  std::string at;  // "min shapes", "shapes ids 3x17"
  std::vector<Tensor> inputs;
};

// At the opt, the least and the largest sizes and at two drawn from the ranges; those that the
// model's guards rule out are not among them. One set where no size varies.
Result<std::vector<SizedInputs>> inputs_over_ranges(const ir::Graph& graph,
                                                    const api::RandomOptions& options);

}  // namespace tenon::cli
