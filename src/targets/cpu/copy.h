// Copies between strided views of tensors: transposes, slices, splits, expansions.
#pragma once

#include "targets/cpu/kernel.h"

namespace tenon::cpu {

struct StridedCopy {
  int64_t width = 4;  // bytes of one element: 1, 2, 4 or 8
  Dims dims;
  Dims from, to;  // strides in elements; 0 repeats
  int64_t from_offset = 0, to_offset = 0;
};

// Row-major strides.
Dims strides_of(const Dims& dims);

// Joins and sorts the axes for running; a copy is prepared once and run often.
StridedCopy prepared(StridedCopy copy);
void run(const StridedCopy& copy, const std::byte* from, std::byte* to, int threads);

// A kernel whose output is one copy of its first input.
Prepared copying_kernel(const StridedCopy& copy, int threads);

}  // namespace tenon::cpu
