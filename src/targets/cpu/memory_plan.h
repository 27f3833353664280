// Offsets in one arena for buffers with known lifetimes.
#pragma once

#include <cstddef>
#include <vector>

namespace tenon::cpu {

struct Buffer {
  size_t bytes = 0;
  int first = 0, last = 0;  // steps, both included
  size_t offset = 0;        // the result
};

// Sets the offsets (multiples of 64) so that buffers that live at the same time do not overlap;
// returns the arena's size. Largest first, each at the lowest place that is free.
size_t plan_memory(std::vector<Buffer*> buffers);

}  // namespace tenon::cpu
