// Using so many threads as the engine was built for (how many: default_threads in engine.h).
#pragma once

namespace tenon::cpu {

// Sets OpenMP's number of threads for the calling thread (oneDNN asks for it when it creates and
// runs primitives) and restores it. At most as many scopes are open at once in the process as
// teams of threads fit on its processors; others wait.
class ThreadScope {
 public:
  explicit ThreadScope(int threads);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_, cost_;
};

}  // namespace tenon::cpu
