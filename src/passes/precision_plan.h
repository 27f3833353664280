// Which nodes of a graph stay in f32 when the others are computed in 16 bits, and why.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "passes/reduced_precision.h"

namespace tenon::passes {

// Whether a value is a tensor of f32, or a sequence of such tensors.
bool holds_f32(const ir::Type& type);
// The same type with elements of `type`.
ir::Type with_elements_of(const ir::Type& f32, DType type);

struct PrecisionPlan {
  std::unordered_map<const ir::Node*, std::string> kept;  // with the reason

  bool keeps(const ir::Node* node) const { return kept.contains(node); }
  // The type in which a node takes a value that was f32; nullopt: in any.
  std::optional<DType> wanted(const ir::Node& node, size_t input, DType type) const;
};

// The type of an input or output of the model.
DType io_type(const ReducedPrecisionOptions& options, const ir::Value& value);

PrecisionPlan plan_precision(const ir::Graph& graph, const ReducedPrecisionOptions& options);

}  // namespace tenon::passes
