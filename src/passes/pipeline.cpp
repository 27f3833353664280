#include <algorithm>
#include <array>

#include "ir/verifier.h"
#include "passes/passes.h"

namespace tenon::passes {
namespace {

constexpr std::array kPasses = {
    Pass{"inline-branches", inline_branches, "an If whose condition is known becomes its branch"},
    Pass{"recognise-activations", recognise_activations,
         "activations that were taken apart become Gelu, Swish, HardSwish, Mish, ..."},
    Pass{"recognise-norms", recognise_norms,
         "layer, RMS and group normalisation that were taken apart become one operator"},
    Pass{"recognise-attention", recognise_attention,
         "attention as Tenon takes it apart for old opsets becomes one operator"},
    Pass{"fold-constants", fold_constants, "computes ahead what depends on constants only"},
    Pass{"simplify-shapes", simplify_shapes,
         "known sizes become constants, others are computed in one way"},
    Pass{"normalise-attributes", normalise_attributes,
         "axes, paddings and defaults are written in one way"},
    Pass{"remove-no-ops", remove_no_ops, "removes nodes that give their input back"},
    Pass{"merge-views", merge_views, "chains of Reshape or Transpose become one"},
    Pass{"simplify-arithmetic", simplify_arithmetic, "x + 0, x * 1, decided choices"},
    Pass{"merge-duplicates", merge_duplicates, "computes equal things once"},
    Pass{"dead-code", remove_dead_code, "removes what no output needs"},
    Pass{"fuse-attention", fuse_attention,
         "products around a softmax become attention, where that is exact"},
    Pass{"fold-batch-norm", fold_batch_norm,
         "batch normalisation and scales by channel move into the weights before them"},
    Pass{"trim-windows", trim_windows,
         "the taps of a convolution that see padding only are taken off"},
    Pass{"float-quantisation", float_quantisation,
         "numbers that are quantised and dequantised again are rounded as floats"},
};
constexpr size_t kCanonical = 12;  // the first passes; the rest only for engines
constexpr int kMaxRounds = 8;

struct Run {
  ir::Graph& graph;
  const PassContext& context;
  const PipelineOptions& options;

  Result<bool> pass(const Pass& pass) const {
    if (std::ranges::find(options.disabled, pass.name) != options.disabled.end()) return false;
    const bool changed = TRY(pass.run(graph, context));
    if (changed) TRY(ir::infer(graph, context.ops));
    if (changed && options.verify) TRY(ir::verify(graph, context.ops, pass.name));
    return changed;
  }

  Result<bool> passes(std::span<const Pass> list) const {
    bool any = false;
    for (int round = 0; round < kMaxRounds; ++round) {
      bool changed = false;
      for (const Pass& p : list) changed |= TRY(pass(p));
      if (!changed) break;
      any = true;
    }
    return any;
  }

  Status check() const {
    for (const std::string& name : options.disabled) {
      const auto known = [&](const Pass& p) { return p.name == name; };
      if (std::ranges::any_of(kPasses, known)) continue;
      std::string names;
      for (const Pass& p : kPasses) names += fmt::format("{}{}", names.empty() ? "" : ", ", p.name);
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("there is no pass '{}' to disable", name),
                   .why = "passes are: " + names,
                   .hint = "check the spelling"});
    }
    return {};
  }
};

}  // namespace

std::span<const Pass> all_passes() { return kPasses; }

Status canonicalise(ir::Graph& graph, const PassContext& context, const PipelineOptions& options) {
  const Run run{graph, context, options};
  TRY(run.check());
  TRY(run.passes(std::span(kPasses).first(kCanonical)));
  return {};
}

Status optimise(ir::Graph& graph, const PassContext& context, const PipelineOptions& options) {
  PassContext engine = context;
  engine.fold_limit = size_t{1} << 34;
  engine.fold_quantised = true;
  const Run run{graph, engine, options};
  TRY(run.check());
  TRY(run.passes(std::span(kPasses).first(kCanonical)));
  TRY(run.passes(kPasses));
  return {};
}

}  // namespace tenon::passes
