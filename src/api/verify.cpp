#include "api/verify.h"

#include <algorithm>
#include <unordered_set>

#include "api/cost.h"
#include "api/inputs.h"
#include "targets/cpu/bind.h"
#include "targets/cpu/threads.h"

namespace tenon::api {
namespace {

using numerics::Verdict;

Verdict verdict_of(std::span<const OutputReport> outputs) {
  bool proven = outputs.empty();
  for (const OutputReport& output : outputs) {
    if (output.difference.verdict == Verdict::diverges) return Verdict::diverges;
    proven = proven || output.difference.verdict == Verdict::pass;
  }
  return proven ? Verdict::pass : Verdict::inconclusive;
}

}  // namespace

Verdict StageReport::verdict() const { return verdict_of(outputs); }

Verdict Verification::verdict() const {
  Verdict out = Verdict::pass;
  for (const VerifiedSizes& sizes : done) out = std::max(out, verdict_of(sizes.outputs));
  return out;
}

std::vector<std::string> output_names(const ir::Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Value* value : graph.outputs()) out.push_back(value->name);
  return out;
}

namespace {

bool draws(const ir::Graph& graph, const ir::OpSet& ops);

// Whether a node, or one in its branches or its body, draws random numbers without a seed.
bool draws(const ir::Node& node, const ir::OpSet& ops) {
  const ir::OpSpec* spec = ops.find(node.domain, node.op);
  if (spec && spec->random && node.attributes.find("seed") == nullptr) return true;
  return std::ranges::any_of(node.subgraphs,
                             [&](const ir::Subgraph& inner) { return draws(*inner.graph, ops); });
}
bool draws(const ir::Graph& graph, const ir::OpSet& ops) {
  return std::ranges::any_of(graph.nodes(), [&](const auto& node) { return draws(*node, ops); });
}

// Whether a node, or one within it, reads one of these values.
bool reads(const ir::Node& node, const std::unordered_set<const ir::Value*>& values) {
  if (std::ranges::any_of(node.inputs(), [&](const ir::Value* v) { return values.contains(v); }))
    return true;
  return std::ranges::any_of(node.subgraphs, [&](const ir::Subgraph& inner) {
    return std::ranges::any_of(inner.graph->outputs(),
                               [&](const ir::Value* v) { return values.contains(v); }) ||
           std::ranges::any_of(inner.graph->nodes(),
                               [&](const auto& each) { return reads(*each, values); });
  });
}

}  // namespace

std::set<std::string> random_outputs(const ir::Graph& graph, const ir::OpSet& ops) {
  std::unordered_set<const ir::Value*> random;
  for (const auto& node : graph.nodes()) {
    if (draws(*node, ops) || reads(*node, random))
      random.insert(node->outputs().begin(), node->outputs().end());
  }
  std::set<std::string> out;
  for (const ir::Value* output : graph.outputs()) {
    if (random.contains(output)) out.insert(output->name);
  }
  return out;
}

numerics::ToleranceOptions tolerances_for(const ir::Graph& graph,
                                          numerics::ToleranceOptions tolerances) {
  for (const auto& node : graph.nodes()) {
    if (node->is("QuantizeLinear")) tolerances.quantised = true;
    for (const ir::Subgraph& sub : node->subgraphs)
      tolerances = tolerances_for(*sub.graph, std::move(tolerances));
  }
  return tolerances;
}

Result<std::vector<OutputReport>> compare_outputs(std::span<const std::string> names,
                                                  std::span<const Tensor> outputs,
                                                  std::span<const Tensor> reference,
                                                  const numerics::ToleranceOptions& tolerances,
                                                  const std::set<std::string>& random) {
  if (outputs.size() != reference.size()) {
    return fail(
        {.kind = ErrorKind::usage,
         .what = "the numbers of outputs differ",
         .why = fmt::format("there are {}, the reference has {}", outputs.size(), reference.size()),
         .hint = "compare files made from the same model"});
  }
  std::vector<OutputReport> out;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const numerics::Tolerance tolerance =
        numerics::tolerance_of(tolerances, names[i], i, reference[i].dtype());
    const bool same_form = outputs[i].dtype() == reference[i].dtype() &&
                           outputs[i].shape().size() == reference[i].shape().size();
    if (same_form && random.contains(names[i])) {
      out.push_back({names[i],
                     {.verdict = Verdict::inconclusive,
                      .reason = "it depends on random numbers, which are others each time"},
                     tolerance});
      continue;
    }
    out.push_back({names[i], numerics::compare(outputs[i], reference[i], tolerance), tolerance});
  }
  return out;
}

Result<Reference> reference_outputs(const ir::Graph& graph, std::span<const Tensor> inputs,
                                    const ReferenceOptions& options, const Tables& tables) {
  const ir::Bindings sizes = TRY(cpu::bind_inputs(graph, inputs));
  if (multiply_adds(graph, sizes) <= options.budget) {
    const cpu::ThreadScope threads(options.threads > 0 ? options.threads : cpu::default_threads());
    return Reference{.outputs = TRY(ir::evaluate(graph, tables.refs, inputs)),
                     .name = "reference kernels"};
  }
  const auto copy = ir::clone(graph);
  const cpu::Engine engine =
      TRY(compile(*copy, {.threads = options.threads, .disabled = optimisation_names()}, tables));
  cpu::Context context = engine.new_context();
  return Reference{.outputs = TRY(context.run(inputs)), .name = "engine without optimisations"};
}

namespace {

Result<VerifiedSizes> verify_at(const ir::Graph& canonical, const cpu::Engine& engine,
                                std::span<const Tensor> inputs, const std::string& at,
                                const VerifyOptions& options, const Tables& tables) {
  const Reference reference = TRY(reference_outputs(canonical, inputs, options.reference, tables));
  cpu::Context context = engine.new_context();
  const auto outputs = TRY(context.run(inputs));
  return VerifiedSizes{at, reference.name,
                       TRY(compare_outputs(output_names(canonical), outputs, reference.outputs,
                                           tolerances_for(canonical, options.tolerances),
                                           random_outputs(canonical, tables.ops)))};
}

}  // namespace

std::vector<Sizes> sizes_to_verify(const ir::Graph& graph) {
  const ir::Bindings opt = cpu::opt_bindings(graph);
  std::vector<Sizes> out{{opt.empty() ? "its shapes" : "opt shapes", opt}};
  Sizes min{"min shapes", opt}, max{"max shapes", opt};
  for (const ir::Symbol& symbol : graph.symbols) {
    if (!opt.contains(symbol.name)) continue;
    min.bindings[symbol.name] = std::max<int64_t>(symbol.range.min, 1);
    if (symbol.range.max != ir::Interval::kMax) max.bindings[symbol.name] = symbol.range.max;
  }
  for (Sizes* end : {&min, &max}) {
    const bool new_sizes = std::ranges::none_of(
        out, [&](const Sizes& sizes) { return sizes.bindings == end->bindings; });
    if (new_sizes) out.push_back(std::move(*end));
  }
  return out;
}

Result<Verification> verify_engine(const ir::Graph& canonical, const cpu::Engine& engine,
                                   const VerifyOptions& options, const Tables& tables) {
  Verification out;
  for (const Sizes& sizes : sizes_to_verify(canonical)) {
    const double work = multiply_adds(canonical, sizes.bindings);
    if (work > options.most_multiply_adds) {
      out.left_out.push_back(fmt::format("{}: {:.0f} billion multiply-adds would take too long",
                                         sizes.at, work / 1e9));
      continue;
    }
    const auto inputs =
        TRY(random_inputs(canonical, {.seed = options.seed, .sizes = sizes.bindings}));
    auto sizes_done = verify_at(canonical, engine, inputs, sizes.at, options, tables);
    if (!sizes_done && sizes_done.error().kind == ErrorKind::usage && !out.done.empty()) {
      // The ends of several ranges need not fit together.
      out.left_out.push_back(
          fmt::format("{}: {}; {}", sizes.at, sizes_done.error().what, sizes_done.error().why));
      continue;
    }
    out.done.push_back(TRY(std::move(sizes_done)));
  }
  return out;
}

}  // namespace tenon::api
