// parallel_for over OpenMP, the thread pool that oneDNN uses too.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace tenon::cpu {

template <class F>
void parallel_for(int64_t count, int64_t grain, int threads, F&& f) {
  if (count <= 0) return;
  const int64_t most = (count + grain - 1) / std::max<int64_t>(grain, 1);
  const int used = static_cast<int>(std::min<int64_t>(threads, most));
  if (used <= 1) {
    f(int64_t{0}, count);
    return;
  }
#pragma omp parallel num_threads(used)
  {
    const int64_t team = omp_get_num_threads(), me = omp_get_thread_num();
    const int64_t share = count / team, rest = count % team;
    const int64_t begin = me * share + std::min(me, rest);
    const int64_t end = begin + share + (me < rest ? 1 : 0);
    if (begin < end) f(begin, end);
  }
}

}  // namespace tenon::cpu
