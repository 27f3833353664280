#include "targets/cpu/engine.h"

#include <fmt/format.h>

#include <array>
#include <new>

#include "ir/verifier.h"
#include "plan/plan.h"
#include "targets/cpu/bind.h"
#include "targets/cpu/context.h"
#include "targets/cpu/onednn.h"
#include "targets/cpu/tactics.h"
#include "targets/cpu/threads.h"

namespace tenon::cpu {
namespace {

constexpr std::array<std::string_view, 4> kOptimisations = {"fusion", "pointwise", "layout",
                                                            "winograd"};

std::string library() { return "oneDNN " + onednn::version(); }

void describe(EngineState& state) {
  auto info = [](const ir::Value* v) {
    return IoInfo{v->name, v->dtype(), v->shape() ? *v->shape() : ir::Shape()};
  };
  for (const ir::Value* v : state.canonical->inputs()) state.inputs.push_back(info(v));
  for (const ir::Value* v : state.canonical->outputs()) state.outputs.push_back(info(v));
}

Status check_disabled(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::ranges::find(kOptimisations, name) != kOptimisations.end()) continue;
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("there is no optimisation '{}'", name),
                 .why = "it is not one of the CPU engine's",
                 .hint = fmt::format("the names are {}", fmt::join(kOptimisations, ", "))});
  }
  return {};
}

// Every operator that has neither a kernel nor a reference, in one error.
Status check_operators(const EngineState& state) {
  std::map<std::string, std::vector<const ir::Node*>> missing;
  ir::for_each_node(*state.lowered.graph, [&](const ir::Node& node) {
    if (node.op == "If" || node.op == "Loop") return;
    if (node.domain == kDomain || state.tables.refs.find(node.domain, node.op) ||
        !candidates(state, node).empty()) {
      return;
    }
    missing[node.op].push_back(&node);
  });
  if (missing.empty()) return {};
  Error error{
      .kind = ErrorKind::unsupported,
      .what = fmt::format("the CPU engine lacks {} of the model's operators", missing.size()),
      .why = "they have no kernel",
      .hint = "see `tenon inspect --target cpu`; custom operators come with --plugin"};
  for (const auto& [op, nodes] : missing) {
    error.details.push_back({.kind = ErrorKind::unsupported,
                             .what = fmt::format("{} ({} times)", op, nodes.size()),
                             .where = nodes.front()->where()});
  }
  return fail(std::move(error));
}

Result<std::shared_ptr<EngineState>> make_state(std::unique_ptr<ir::Graph> graph,
                                                const Tables& tables,
                                                const std::vector<std::string>& disabled,
                                                int threads) {
  TRY(check_disabled(disabled));
  auto state = std::make_shared<EngineState>();
  state->canonical = std::move(graph);
  state->tables = tables;
  state->threads = threads;
  state->disabled = Disabled(disabled.begin(), disabled.end());
  ir::assign_names(*state->canonical);
  state->lowered = TRY(lower(*state->canonical, state->disabled));
  state->fixed_memory = is_static(*state->lowered.graph);
  TRY(check_operators(*state));
  describe(*state);
  return state;
}

// Runs f; an allocation that fails is an error like any other.
template <class F>
auto guarded(const char* what, F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return fail({.kind = ErrorKind::resource,
                 .what = what,
                 .why = "there is not enough memory",
                 .hint = "close other programs, or use a machine with more memory"});
  }
}

// The sizes for which a plan is ready at once: those of the symbols' opt. Models that cannot be
// planned at made-up sizes are planned at their first run.
bool has_opt(const ir::Graph& graph) {
  return std::ranges::all_of(
      graph.symbols, [](const ir::Symbol& s) { return s.opt || s.range.min == s.range.max; });
}

}  // namespace

std::span<const std::string_view> optimisations() { return kOptimisations; }

Result<Engine> Engine::compile(const ir::Graph& graph, const Tables& tables,
                               const CompileOptions& options) {
  return guarded("the model could not be compiled", [&]() -> Result<Engine> {
    const int threads = options.threads > 0 ? options.threads : default_threads();
    const ThreadScope scope(threads);
    auto state = TRY(make_state(ir::clone(graph), tables, options.disabled, threads));
    if (!state->fixed_memory) return Engine(std::move(state));
    const ir::Bindings opt = opt_bindings(*state->lowered.graph);
    if (!has_opt(*state->lowered.graph)) return Engine(std::move(state));
    if (options.time_tactics) {
      TimingCache cache = TRY(TimingCache::open(options.timing_cache));
      TRY(time_tactics(*state, opt, cache, options.progress));
      TRY(cache.save());
    } else {
      TRY(specialisation(*state, opt));
    }
    return Engine(std::move(state));
  });
}

Result<Engine> Engine::load(const std::string& path, const Tables& tables,
                            const LoadOptions& options) {
  return guarded("the plan could not be loaded", [&]() -> Result<Engine> {
    const MappedFile file = TRY(MappedFile::open(path));
    const int wanted = options.threads > 0 ? options.threads : default_threads();
    auto contents = plan::read(file, tables.ops, {.threads = wanted});
    if (!contents) return fail(with_where(std::move(contents).error(), {.file = path}));
    const int threads = options.threads > 0 ? options.threads : std::min(contents->threads, wanted);
    const ThreadScope scope(threads);
    auto state = TRY(make_state(std::move(contents->graph), tables, contents->disabled, threads));
    state->tactics = std::move(contents->tactics);
    const bool same = contents->library == library() && contents->isa == onednn::isa() &&
                      contents->threads == threads;
    for (plan::PackedBlob& blob : contents->packed) {
      if (!same) break;
      state->packs.add(blob.constant, blob.key, {std::move(blob.data), blob.bytes});
    }
    if (!same) {
      state->notices.push_back(fmt::format(
          "the weights are packed again at each load: the plan was built for {}, {}, {} threads, "
          "and here are {}, {}, {} threads; build it here to spare that",
          contents->library, contents->isa, contents->threads, library(), onednn::isa(), threads));
    }
    if (state->fixed_memory && has_opt(*state->lowered.graph)) {
      TRY(specialisation(*state, opt_bindings(*state->lowered.graph)));
      if (same && state->packs.made() > 0) {
        state->notices.push_back(
            fmt::format("weights of {} nodes were packed again", state->packs.made()));
      }
    }
    return Engine(std::move(state));
  });
}

Status Engine::save(const std::string& path) const {
  return guarded("the plan could not be written", [&]() -> Status {
    plan::View view{.graph = *state_->canonical,
                    .library = library(),
                    .isa = onednn::isa(),
                    .threads = state_->threads,
                    .disabled = {state_->disabled.begin(), state_->disabled.end()},
                    .tactics = state_->tactics};
    for (const auto& [id, packed] : state_->packs.entries())
      view.packed.push_back({id.first, id.second, packed.data, packed.bytes});
    return plan::write(path, view);
  });
}

std::span<const IoInfo> Engine::inputs() const { return state_->inputs; }
std::span<const IoInfo> Engine::outputs() const { return state_->outputs; }
std::span<const ir::Symbol> Engine::symbols() const { return state_->canonical->symbols; }
const ir::Graph& Engine::graph() const { return *state_->canonical; }
int Engine::threads() const { return state_->threads; }
std::span<const std::string> Engine::notices() const { return state_->notices; }
size_t Engine::packed_bytes() const { return state_->packs.bytes(); }

size_t Engine::weight_bytes() const {
  size_t sum = 0;
  for (const ir::Value* value : state_->canonical->constants()) sum += value->constant->nbytes();
  return sum;
}

Context Engine::new_context() const {
  auto context = std::make_unique<ContextState>();
  context->engine = state_;
  return Context(std::move(context));
}

}  // namespace tenon::cpu
