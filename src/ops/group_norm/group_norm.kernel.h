// What group and instance normalisation share.
#pragma once

#include <cstddef>

#include "targets/cpu/kernel.h"

namespace tenon::ops {

// Normalises channels * inner contiguous floats about their common mean; each channel of `inner`
// floats has a scale and a bias of its own. y may be x.
void norm_group(const float* x, const float* scale, const float* bias, float* y, size_t channels,
                size_t inner, float epsilon);
// The kernel of a node (X, scale, bias) whose row-major channels are normalised in so many groups.
Result<cpu::Prepared> make_groups(cpu::MakeContext& context, int64_t groups, float epsilon);

}  // namespace tenon::ops
