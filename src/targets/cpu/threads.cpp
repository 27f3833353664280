#include "targets/cpu/threads.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <set>
#include <string>

#include "targets/cpu/engine.h"

namespace tenon::cpu {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Processors that the cgroup's quota is worth, rounded down but at least 1; `most` without a quota.
int quota(int most) {
  double limit = 0, period = 0;
  const std::string v2 = first_line("/sys/fs/cgroup/cpu.max");
  if (!v2.empty()) {
    if (std::sscanf(v2.c_str(), "%lf %lf", &limit, &period) != 2) return most;
  } else {
    limit = std::atof(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").c_str());
    period = std::atof(first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us").c_str());
  }
  if (limit <= 0 || period <= 0) return most;
  return std::clamp(static_cast<int>(std::floor(limit / period)), 1, most);
}

struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  int used = 0;
};

Gate& gate() {
  static Gate instance;
  return instance;
}

}  // namespace

int default_threads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  std::set<std::string> cores;  // by the list of hardware threads that share the core
  int logical = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    ++logical;
    const std::string siblings = first_line("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                                            "/topology/thread_siblings_list");
    cores.insert(siblings.empty() ? std::to_string(cpu) : siblings);
  }
  return quota(std::max(1, std::min(logical, static_cast<int>(cores.size()))));
}

ThreadScope::ThreadScope(int threads) : before_(omp_get_max_threads()) {
  const int processors = std::max(omp_get_num_procs(), 1);
  cost_ = std::min(threads, processors);
  Gate& g = gate();
  std::unique_lock lock(g.mutex);
  g.changed.wait(lock, [&] { return g.used + cost_ <= processors; });
  g.used += cost_;
  omp_set_num_threads(threads);
}

ThreadScope::~ThreadScope() {
  omp_set_num_threads(before_);
  Gate& g = gate();
  {
    std::lock_guard lock(g.mutex);
    g.used -= cost_;
  }
  g.changed.notify_all();
}

}  // namespace tenon::cpu
