// The rewrites, each on its own. All take a canonical graph, go through its subgraphs too, and keep
// what it computes.
#pragma once

#include "ir/builder.h"
#include "targets/tensorrt/release.h"

namespace tenon::tensorrt {

// A condition of a Loop that is always true is left out, and the body gives a constant for it. With
// a condition, TensorRT counts on it and on the trip count both, and takes the sizes of what the
// loop collects from the latter ("may have the wrong shape"). Without one it does not find the
// body's input for it, so nothing in the body may use that. A loop that carries nothing keeps one.
void drop_conditions(ir::Graph& graph);

// Whether a Loop's condition is true at first and in every turn.
bool always_goes_on(const ir::Node& loop);

// A list that a loop adds a tensor of one size to in every turn, as PyTorch's scripts do for
// torch.stack, is what the loop collects. TensorRT has no sequences.
Status collect_lists(ir::Graph& graph, const ir::OpSet& ops);

// Outputs of an If that nothing uses, or that are the same value from around it on both sides, are
// left out, with what computed them alone. In a loop, TensorRT-RTX fails at them in the middle of
// its optimiser ("Assertion tScope == mScopedOp2Scopes.at(op) failed").
Status prune_branches(ir::Graph& graph, const ir::OpSet& ops);

// Doubles that hold what floats hold exactly, or that are only moved and rounded to floats in the
// end, are floats all the way, and compared as floats. PyTorch's scripts have them as Python's
// numbers; no release of TensorRT has them at all.
Status narrow_doubles(ir::Graph& graph, const ir::OpSet& ops);

// What TensorRT-RTX takes of matrices alone is done to vectors as to matrices of one row: ArgMax,
// ArgMin, Softmax, LogSoftmax; and the product of a vector and a stack of matrices.
Status make_rows(ir::Graph& graph, const ir::OpSet& ops);

// What a release does with integers and not with booleans is done with integers: scatters. Xor is
// composed where there is none.
Status say_booleans(ir::Graph& graph, const Release& release, const ir::OpSet& ops);

// The nodes of a graph and its subgraphs as they are now, in order.
std::vector<ir::Node*> all_nodes(const ir::Graph& graph);
// Puts a value in the place of another of the same graph, as what it was called and known by.
void stand_for(ir::Value* old, ir::Value* now);
// A builder that emits before the node, under its origin.
ir::Builder before(ir::Node& node, const ir::OpSet& ops);

}  // namespace tenon::tensorrt
