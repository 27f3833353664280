// What an engine is inside: graphs, tactics, packed weights, and the specialisations made so far.
#pragma once

#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "targets/cpu/engine.h"
#include "targets/cpu/kernel.h"
#include "targets/cpu/lower.h"
#include "targets/cpu/pack_store.h"

namespace tenon::cpu {

struct Specialisation;

// Which tactic runs a lowered node, by the node's name. Nodes that are not in it take their first.
using Tactics = std::map<std::string, std::string, std::less<>>;

struct EngineState {
  std::unique_ptr<ir::Graph> canonical;
  Lowered lowered;
  Tables tables;
  int threads = 1;
  Disabled disabled;
  Tactics tactics;
  mutable PackStore packs;
  std::vector<IoInfo> inputs, outputs;
  std::vector<std::string> notices;
  bool fixed_memory = true;  // sizes follow from the inputs' sizes: specialise; else interpret

  // Specialisations in use, most recent first.
  mutable std::mutex mutex;
  mutable std::list<std::pair<ir::Bindings, std::shared_ptr<const Specialisation>>> cache;
};

inline constexpr size_t kMostSpecialisations = 16;

// The specialisation for these sizes, from the cache or made now.
Result<std::shared_ptr<const Specialisation>> specialisation(const EngineState& state,
                                                             const ir::Bindings& bindings);

// The kernels that may run a node, best first: the chosen tactic, the other tactics, the reference.
std::vector<const KernelSpec*> candidates(const EngineState& state, const ir::Node& node);

// Wraps the operator's reference kernel.
Result<Prepared> make_reference(const EngineState& state, MakeContext& context);

}  // namespace tenon::cpu
