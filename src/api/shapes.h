// Shapes that its user gives to a graph that is already there.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/shape_spec.h"
#include "ir/op.h"

namespace tenon::api {

// The input that a name, or a position ("input_0"), stands for.
Result<ir::Value*> find_input(const ir::Graph& graph, const std::string& name);

// Narrows the graph's inputs to the specs: sizes that were dynamic become fixed, or get a range and
// a size to optimise for. Fails where a spec contradicts what the model says.
Status apply_shapes(ir::Graph& graph, const std::vector<InputSpec>& specs, const ir::OpSet& ops);

// Puts sizes in the place of symbols, and infers the types anew. Fails where they do not fit the
// program; the graph is not to be used then.
Status fix_sizes(ir::Graph& graph, const std::map<std::string, ir::Dim, std::less<>>& sizes,
                 const ir::OpSet& ops);

// Gives inputs and outputs new names, all of them or (empty) none.
Status rename_values(ir::Graph& graph, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs);

// min, opt and max shapes as one list of specs in which sizes that differ are ranges. Only opt
// shapes given means min = opt = max.
Result<std::vector<InputSpec>> merge_profile(const std::vector<InputSpec>& min,
                                             const std::vector<InputSpec>& opt,
                                             const std::vector<InputSpec>& max);

// The shapes of one optimisation profile; only opt given means min = opt = max.
struct ProfileSpecs {
  std::vector<InputSpec> min, opt, max;
};
// What all of the profiles need, as one list of specs: ranges from the least to the largest size,
// best at the first profile's.
Result<std::vector<InputSpec>> hull_of_profiles(const std::vector<ProfileSpecs>& profiles);

}  // namespace tenon::api
