// Passes: functions that change a graph and keep its meaning, and the pipelines made of them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/op.h"
#include "ir/ref_kernel.h"

namespace tenon::passes {

struct PassContext {
  const ir::OpSet& ops;
  const ir::RefKernels& kernels;
  // Constants of more bytes than this are not computed ahead, unless what they are computed from is
  // as large.
  size_t fold_limit = size_t{1} << 20;
  // Whether weights that are stored as integers become floats.
  bool fold_quantised = false;
};

// True where the graph has changed. Types need not be inferred again: the pipeline does that.
using PassFunction = Result<bool> (*)(ir::Graph&, const PassContext&);

struct Pass {
  std::string_view name;
  PassFunction run;
  std::string_view description;
};

Result<bool> remove_dead_code(ir::Graph& graph, const PassContext& context);
Result<bool> fold_constants(ir::Graph& graph, const PassContext& context);
Result<bool> merge_duplicates(ir::Graph& graph, const PassContext& context);
Result<bool> remove_no_ops(ir::Graph& graph, const PassContext& context);
Result<bool> inline_branches(ir::Graph& graph, const PassContext& context);
Result<bool> normalise_attributes(ir::Graph& graph, const PassContext& context);
Result<bool> simplify_shapes(ir::Graph& graph, const PassContext& context);
Result<bool> merge_views(ir::Graph& graph, const PassContext& context);
Result<bool> simplify_arithmetic(ir::Graph& graph, const PassContext& context);
Result<bool> recognise_activations(ir::Graph& graph, const PassContext& context);
Result<bool> recognise_norms(ir::Graph& graph, const PassContext& context);
Result<bool> recognise_attention(ir::Graph& graph, const PassContext& context);
Result<bool> fuse_attention(ir::Graph& graph, const PassContext& context);
Result<bool> fold_batch_norm(ir::Graph& graph, const PassContext& context);
Result<bool> trim_windows(ir::Graph& graph, const PassContext& context);
Result<bool> float_quantisation(ir::Graph& graph, const PassContext& context);

// Every pass, by the name that --disable takes.
std::span<const Pass> all_passes();

struct PipelineOptions {
  std::vector<std::string> disabled = {};  // names of passes
#ifdef NDEBUG
  bool verify = false;
#else
  bool verify = true;  // the graph, after every pass
#endif
};

// The form in which a model is written and compared: high-level operators where they were taken
// apart, no detours, shapes computed in one way. Weights stay as they are.
Status canonicalise(ir::Graph& graph, const PassContext& context,
                    const PipelineOptions& options = {});
// The same, and what an engine wants before it compiles: weights are folded.
Status optimise(ir::Graph& graph, const PassContext& context, const PipelineOptions& options = {});

}  // namespace tenon::passes
