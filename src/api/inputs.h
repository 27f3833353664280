// The inputs of a run: those of an npz matched to a model's, or made up.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/shape_spec.h"
#include "ir/graph.h"

namespace tenon::api {

// Puts tensors in the order of the graph's inputs: by name, or by position ("input_0", or as NumPy
// calls arrays without a name, "arr_0"). Names, types and the sizes that are fixed must fit.
Result<std::vector<Tensor>> match_inputs(const ir::Graph& graph,
                                         const std::vector<NamedTensor>& given,
                                         const std::string& file);

struct ValueRange {
  double low = 0, high = 1;
};
Result<ValueRange> parse_value_range(const std::string& text);  // "LOW,HIGH"

struct RandomOptions {
  uint64_t seed = 0;
  // Of all inputs; else floats are normal, integers fit the table that they index.
  std::optional<ValueRange> range = {};
  // Sizes of the dynamic dimensions; those that are not said are the symbols' opt, or the least
  // from 1 on.
  std::vector<InputSpec> shapes = {};
  ir::Bindings sizes = {};  // the same by the symbols' names
};
// The same seed gives the same inputs on every machine.
Result<std::vector<Tensor>> random_inputs(const ir::Graph& graph, const RandomOptions& options);

}  // namespace tenon::api
