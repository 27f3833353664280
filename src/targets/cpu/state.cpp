#include "targets/cpu/state.h"

#include <fmt/format.h>

#include "targets/cpu/bind.h"
#include "targets/cpu/engine_kernels.h"
#include "targets/cpu/specialise.h"

namespace tenon::cpu {

std::vector<const KernelSpec*> candidates(const EngineState& state, const ir::Node& node) {
  std::vector<const KernelSpec*> out;
  auto consider = [&](const KernelSpec& spec) {
    if (spec.op != node.op || spec.domain != node.domain) return;
    if (spec.tactic.starts_with("winograd") && state.disabled.contains("winograd")) return;
    if (spec.supports == nullptr || spec.supports(node)) out.push_back(&spec);
  };
  for (const KernelSpec& spec : engine_kernels()) consider(spec);
  for (const KernelSpec* spec : state.tables.kernels) consider(*spec);
  auto chosen = state.tactics.find(node.name);
  if (chosen != state.tactics.end()) {
    std::stable_partition(out.begin(), out.end(),
                          [&](const KernelSpec* spec) { return spec->tactic == chosen->second; });
  }
  return out;
}

Result<std::pair<const KernelSpec*, Prepared>> choose(const EngineState& state,
                                                      MakeContext& context) {
  for (const KernelSpec* spec : candidates(state, context.node)) {
    auto made = spec->make(context);
    if (made) return std::pair(spec, std::move(*made));
    if (made.error().kind != ErrorKind::unsupported) return fail(std::move(made).error());
  }
  return std::pair<const KernelSpec*, Prepared>(nullptr, TRY(make_reference(state, context)));
}

Result<std::shared_ptr<const Specialisation>> specialisation(const EngineState& state,
                                                             const ir::Bindings& bindings) {
  std::lock_guard lock(state.mutex);
  for (auto it = state.cache.begin(); it != state.cache.end(); ++it) {
    if (it->first != bindings) continue;
    state.cache.splice(state.cache.begin(), state.cache, it);
    return state.cache.front().second;
  }
  TRY(check_guards(*state.lowered.graph, bindings));
  std::shared_ptr<const Specialisation> made =
      TRY(specialise(state, bindings, [&](MakeContext& c) { return choose(state, c); }));
  state.cache.emplace_front(bindings, made);
  if (state.cache.size() > kMostSpecialisations) state.cache.pop_back();
  return made;
}

}  // namespace tenon::cpu
