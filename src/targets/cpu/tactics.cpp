#include "targets/cpu/tactics.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>

#include "base/mapped_file.h"
#include "targets/cpu/onednn.h"

namespace tenon::cpu {
namespace {

constexpr float kAccuracy = 2e-5f;
constexpr int kRounds = 7;
constexpr double kHopeless = 5;  // a tactic so many times slower at first is not run again

std::string key_of(const MakeContext& context) {
  std::string key = fmt::format("{} {} {} {} {}", onednn::version(), onednn::isa(), context.threads,
                                context.node.domain, context.node.op);
  for (const auto& [name, value] : context.node.attributes.all())
    key += fmt::format(" {}={}", name, ir::to_string(value));
  auto add = [&](const Desc& desc) {
    key += fmt::format(" {}{}/{}", name(desc.dtype), ir::to_string(ir::to_shape(desc.dims)),
                       desc.block);
  };
  for (const Operand& operand : context.inputs) {
    add(operand.desc);
    key += operand.constant ? "c" : "";
  }
  for (const Desc& desc : context.outputs) add(desc);
  return key;
}

// A tactic being tried, with packed weights of its own: the losers' are dropped.
struct Trial {
  const KernelSpec* spec = nullptr;
  std::unique_ptr<PackStore> packs = std::make_unique<PackStore>();
  Prepared prepared;
  std::shared_ptr<std::byte> scratch;
  std::vector<std::shared_ptr<std::byte>> outputs;
  double first_ms = 0, best_ms = 1e30;
};

Result<double> run_once(const Trial& trial, const std::vector<const std::byte*>& in,
                        const MakeContext& context) {
  std::vector<std::byte*> out;
  for (const auto& o : trial.outputs) out.push_back(o.get());
  if (trial.prepared.accumulate >= 0) {
    std::memcpy(out[0], in[static_cast<size_t>(trial.prepared.accumulate)],
                context.outputs[0].bytes());
  }
  const auto start = std::chrono::steady_clock::now();
  TRY(trial.prepared.run(Args{in, out, trial.scratch.get()}));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  return took.count();
}

bool agrees(const std::byte* a, const std::byte* b, size_t bytes) {
  const auto* x = reinterpret_cast<const float*>(a);
  const auto* y = reinterpret_cast<const float*>(b);
  float most = 0, differs = 0;
  for (size_t i = 0; i < bytes / sizeof(float); ++i) {
    most = std::max(most, std::abs(x[i]));
    differs = std::max(differs, std::abs(x[i] - y[i]));
  }
  return differs <= kAccuracy * most;
}

std::vector<Trial> make_trials(const EngineState& state, MakeContext& context) {
  std::vector<Trial> trials;
  for (const KernelSpec* spec : candidates(state, context.node)) {
    if (!spec->timed) continue;
    Trial trial;
    trial.spec = spec;
    MakeContext own{context.node, context.inputs, context.outputs, *trial.packs, context.threads};
    auto made = spec->make(own);
    if (!made) continue;
    trial.prepared = std::move(*made);
    trial.scratch = aligned_bytes(trial.prepared.scratch);
    for (const Desc& desc : context.outputs) trial.outputs.push_back(aligned_bytes(desc.bytes()));
    trials.push_back(std::move(trial));
  }
  return trials;
}

Result<size_t> fastest(std::vector<Trial>& trials, const MakeContext& context) {
  std::vector<std::shared_ptr<std::byte>> memory;
  std::vector<const std::byte*> in;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const Operand& operand : context.inputs) {
    if (operand.constant != nullptr) {
      in.push_back(operand.constant->data());
    } else if (!operand.desc.present()) {
      in.push_back(nullptr);
    } else {
      memory.push_back(aligned_bytes(operand.desc.bytes()));
      auto* values = reinterpret_cast<float*>(memory.back().get());
      for (size_t i = 0; i < operand.desc.bytes() / sizeof(float); ++i) values[i] = normal(random);
      in.push_back(memory.back().get());
    }
  }
  double first_ms = 1e30;
  for (Trial& trial : trials) {
    trial.first_ms = TRY(run_once(trial, in, context));
    first_ms = std::min(first_ms, trial.first_ms);
  }
  for (int round = 1; round < kRounds; ++round) {
    for (Trial& trial : trials) {
      if (trial.first_ms > kHopeless * first_ms) continue;
      trial.best_ms = std::min(trial.best_ms, TRY(run_once(trial, in, context)));
    }
  }
  size_t best = 0;
  for (size_t i = 1; i < trials.size(); ++i) {
    if (trials[i].best_ms < trials[best].best_ms &&
        agrees(trials[0].outputs[0].get(), trials[i].outputs[0].get(), context.outputs[0].bytes()))
      best = i;
  }
  return best;
}

}  // namespace

Result<TimingCache> TimingCache::open(const std::string& path) {
  TimingCache cache;
  cache.path_ = path;
  if (path.empty()) return cache;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const size_t tab = line.find('\t');
    if (tab != std::string::npos) cache.entries_[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return cache;
}

const std::string* TimingCache::find(const std::string& key) const {
  auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : &it->second;
}

void TimingCache::set(std::string key, std::string tactic) {
  entries_[std::move(key)] = std::move(tactic);
  changed_ = true;
}

Status TimingCache::save() const {
  if (path_.empty() || !changed_) return {};
  AtomicFile file = TRY(AtomicFile::create(path_));
  for (const auto& [key, tactic] : entries_) TRY(file.write(key + "\t" + tactic + "\n"));
  return file.commit();
}

Status time_tactics(EngineState& state, const ir::Bindings& bindings, TimingCache& cache,
                    const std::function<void(double, std::string_view)>& progress) {
  const double all = static_cast<double>(std::max<size_t>(state.lowered.graph->size(), 1));
  double done = 0;
  auto chooser = [&](MakeContext& context) -> Result<std::pair<const KernelSpec*, Prepared>> {
    if (progress) progress(done++ / all, context.node.name);
    const auto specs = candidates(state, context.node);
    int timed = 0;
    for (const KernelSpec* spec : specs) timed += spec->timed ? 1 : 0;
    if (timed < 2) return choose(state, context);
    const std::string key = key_of(context);
    if (const std::string* known = cache.find(key)) {
      state.tactics[context.node.name] = *known;
      return choose(state, context);
    }
    auto trials = make_trials(state, context);
    if (trials.size() < 2) return choose(state, context);
    const size_t best = TRY(fastest(trials, context));
    cache.set(key, std::string(trials[best].spec->tactic));
    state.tactics[context.node.name] = trials[best].spec->tactic;
    state.packs.merge(*trials[best].packs);
    return std::pair(trials[best].spec, std::move(trials[best].prepared));
  };
  auto made = TRY(specialise(state, bindings, chooser));
  std::lock_guard lock(state.mutex);
  state.cache.emplace_front(bindings, std::move(made));
  return {};
}

}  // namespace tenon::cpu
