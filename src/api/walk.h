// Finds the node at which a computation leaves its reference.
#pragma once

#include <functional>
#include <optional>

#include "api/verify.h"

namespace tenon::api {

struct Divergence {
  std::string node, op;
  Where where;
  numerics::Difference difference;
};

// What is to be judged: computes a graph's outputs in its own way. It may change the graph.
using Computation = std::function<Result<std::vector<Tensor>>(ir::Graph& graph)>;

// Makes every value inside the graph an output, has both sides compute them all, and gives the
// first node, in order of execution, whose result is out of tolerance. None where all of them agree
// when they are computed this way: then the fault lies in what happens between nodes.
Result<std::optional<Divergence>> first_divergence(const ir::Graph& graph,
                                                   const Computation& computation,
                                                   const Computation& reference,
                                                   const numerics::Tolerance& tolerance);

}  // namespace tenon::api
