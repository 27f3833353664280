#include "targets/cpu/memory_plan.h"

#include <algorithm>

namespace tenon::cpu {

size_t plan_memory(std::vector<Buffer*> buffers) {
  constexpr size_t kAlign = 64;
  auto rounded = [](size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; };
  std::stable_sort(buffers.begin(), buffers.end(), [&](const Buffer* a, const Buffer* b) {
    return rounded(a->bytes) > rounded(b->bytes);
  });
  std::vector<const Buffer*> placed;  // by offset
  size_t arena = 0;
  for (Buffer* buffer : buffers) {
    const size_t size = rounded(buffer->bytes);
    size_t at = 0;
    for (const Buffer* other : placed) {
      if (other->last < buffer->first || other->first > buffer->last) continue;
      if (other->offset >= at + size) break;
      at = std::max(at, other->offset + rounded(other->bytes));
    }
    buffer->offset = at;
    arena = std::max(arena, at + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), at,
                                   [](size_t v, const Buffer* b) { return v < b->offset; }),
                  buffer);
  }
  return arena;
}

}  // namespace tenon::cpu
