// Sizes that the data decides become fixed ones, for targets whose buffers are as large from the
// start: a value has as many rows as it can have at most, the first of which count.
//
// A size is a formula of symbols (ir::Dim), so how many rows count is always known in the graph,
// and how many there can be follows from the symbols' ranges. What an operator would do with rows
// that do not count is prevented where it matters: sums take zeros for them, maxima the lowest
// number, indices the first place.
#pragma once

#include <string>
#include <vector>

#include "passes/passes.h"

namespace tenon::passes {

// An output whose rows count up to a number that another output holds; those after it are zeros.
struct BoundedOutput {
  std::string output;
  int64_t axis = 0;
  int64_t bound = 0;
  std::string count;  // name of an output, i64 and 0-d
};

// Whether the graph has sizes that data decides: symbols that no input defines.
bool has_sizes_of_data(const ir::Graph& graph);

// Leaves a graph alone in which inputs decide all sizes. Fails with all the nodes through which no
// bound is known, or that cannot be said with rows that do not count.
Result<std::vector<BoundedOutput>> bound_sizes(ir::Graph& graph, const PassContext& context);

// The other way: cuts the outputs down to what counts and drops those that say how many.
Status cut_to_counts(ir::Graph& graph, const std::vector<BoundedOutput>& outputs,
                     const PassContext& context);

}  // namespace tenon::passes
