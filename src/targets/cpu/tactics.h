// Timing tactics against each other, and remembering the result between builds.
#pragma once

#include "targets/cpu/specialise.h"

namespace tenon::cpu {

// What has been measured, by everything that it depends on; kept as a text file.
class TimingCache {
 public:
  static Result<TimingCache> open(const std::string& path);  // a missing file is an empty cache
  const std::string* find(const std::string& key) const;
  void set(std::string key, std::string tactic);
  Status save() const;

 private:
  std::string path_;
  std::map<std::string, std::string> entries_;
  bool changed_ = false;
};

// Sets state.tactics by running the candidates of each node at these sizes on random data. A tactic
// whose result differs from the first candidate's by more than 2e-5 of its largest magnitude is
// out. `progress` gets the share done.
Status time_tactics(EngineState& state, const ir::Bindings& bindings, TimingCache& cache,
                    const std::function<void(double, std::string_view)>& progress);

}  // namespace tenon::cpu
