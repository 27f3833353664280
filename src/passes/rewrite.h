// What the passes share: finding values' producers, reading constants, putting a value in the place
// of another.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/builder.h"
#include "passes/passes.h"

namespace tenon::passes {

// Calls f for the graph and all subgraphs, outer ones first.
void for_each_graph(ir::Graph& graph, const std::function<void(ir::Graph&)>& f);
// The nodes of a graph and its subgraphs as they are now, in order; f may add nodes and replace
// values, but must not erase nodes.
std::vector<ir::Node*> snapshot(const ir::Graph& graph);
// Whether nothing needs the node's outputs any more.
bool is_dead(const ir::Node& node);

// The node that computes the value, where it is this operator of ONNX's.
ir::Node* made_by(const ir::Value* value, std::string_view op);
// Whether just one input takes the value.
bool used_once(const ir::Value* value);
// The element of a constant of one element; nullopt for anything else.
std::optional<double> scalar(const ir::Value* value);
// Element i of a constant of one of the usual types, NaN of others.
double element(const Tensor& tensor, size_t i);
// Whether every element of a constant equals v.
bool is_filled(const ir::Value* value, double v);
bool close(double a, double b, double relative = 1e-4);
// How far the square of a rounded root of a scale may lie from the scale.
double scale_tolerance(DType dtype);
// The elements of a constant or wholly known integer tensor.
std::optional<std::vector<int64_t>> ints(const ir::Value* value);
// Whether the value is 0, 1, 2, ... up to a size, unsqueezed at one axis.
bool is_count(const ir::Value* value, const ir::Dim& size, size_t axis);
// The operand of a two-input node that is not `one`; null where neither is.
ir::Value* other_operand(const ir::Node& node, const ir::Value* one);
// Splits a commutative node into a scalar constant and the other operand.
struct ScalarOperand {
  ir::Value* value = nullptr;
  double scalar = 0;
};
std::optional<ScalarOperand> scalar_operand(const ir::Node* node);

// The target of a Reshape as constants, with 0 for sizes that stay in place and -1 for one that is
// left over; nullopt where they do not say it.
std::optional<std::vector<int64_t>> reshape_target(const ir::Shape* in, const ir::Shape& out);
// Whether both are computed in the same way from the same values.
bool same_value(const ir::Value* a, const ir::Value* b);

// Puts `to` in the place of `from` everywhere. False, and nothing changed, where it cannot be: an
// output of a graph must be a value of its own that the graph computes.
bool replace(ir::Value* from, ir::Value* to);
// Puts a constant in the place of a value; where an output must be computed, an Identity of it.
// False where that is so already.
bool replace_by_constant(ir::Value* from, Tensor tensor, const PassContext& context);
// Copies what a branch of an If computes to before the If: its values, and what stands for them.
using ValueMap = std::unordered_map<const ir::Value*, ir::Value*>;
ValueMap copy_out(ir::Graph& branch, ir::Node& node);
// A builder that emits before the node, under its origin.
ir::Builder builder_before(ir::Node& node, const PassContext& context);
// Puts values that were emitted in the place of the node's outputs, if the builder did not fail.
bool replace_node(ir::Node& node, ir::Builder& builder, std::span<ir::Value* const> values);

// Puts sizes in the place of symbols, in every type, contents and guard.
void substitute(ir::Graph& graph, const std::map<std::string, ir::Dim, std::less<>>& values);

}  // namespace tenon::passes
