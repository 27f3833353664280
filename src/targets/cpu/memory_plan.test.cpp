#include "targets/cpu/memory_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace tenon::cpu {
namespace {

TEST(MemoryPlan, LivesDoNotOverlapInMemory) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<Buffer> buffers(60);
    std::vector<Buffer*> pointers;
    size_t sum = 0;
    for (Buffer& b : buffers) {
      b.bytes = 1 + random() % 5000;
      b.first = static_cast<int>(random() % 40);
      b.last = b.first + static_cast<int>(random() % 6);
      sum += b.bytes + 63;
      pointers.push_back(&b);
    }
    const size_t arena = plan_memory(pointers);
    EXPECT_LT(arena, sum);
    for (const Buffer& a : buffers) {
      EXPECT_EQ(a.offset % 64, 0u);
      EXPECT_LE(a.offset + a.bytes, arena);
      for (const Buffer& b : buffers) {
        if (&a == &b || a.last < b.first || b.last < a.first) continue;
        EXPECT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset);
      }
    }
  }
}

}  // namespace
}  // namespace tenon::cpu
