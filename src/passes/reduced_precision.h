// A model in f16 or bf16, with the type of every value spelled out in the graph.
//
// Every value of f32 inside becomes one of the type, in subgraphs too; other types stay. Nodes that
// lose their meaning in 16 bits stay in f32, with casts around them. Nothing is decided by what the
// values turn out to be when the model runs: sums and powers may overflow in f16.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "passes/passes.h"

namespace tenon::passes {

struct ReducedPrecisionOptions {
  DType type = DType::f16;  // or bf16
  // Types of the inputs and outputs that are f32 in the model: of all, and of some by name.
  DType io = DType::f32;
  std::map<std::string, DType, std::less<>> io_of = {};
  // Why a node stays in f32 beside the pass's own reasons; empty: it need not.
  std::function<std::string(const ir::Node&)> keep = {};
  // Why the form in which the graph will be written has no such input, or output, of this type;
  // empty: it has.
  std::function<std::string(const ir::Node&, bool output, size_t index, const ir::Type&)> refuses =
      {};
};

struct KeptNode {
  std::string op, name;
  Where where;
  std::string reason;
};
// A number that the type has none for and that only says "very large" or "very low": it became the
// type's largest or lowest.
struct ClampedConstant {
  std::string name;      // of the constant; empty where it has none
  std::string op, node;  // the first node that takes it
  Where where;
  double value = 0, becomes = 0;
};
struct ReducedPrecision {
  std::vector<KeptNode> kept;
  std::vector<ClampedConstant> clamped;
  std::map<DType, size_t> values;  // that nodes compute, by type
  size_t casts = 0;                // that were put in
};

// Gives nodes and values their names first, which are those of the ONNX file. Batch normalisation
// moves into weights, as for engines: its variances would lose digits.
Result<ReducedPrecision> reduce_precision(ir::Graph& graph, const ReducedPrecisionOptions& options,
                                          const PassContext& context);

}  // namespace tenon::passes
