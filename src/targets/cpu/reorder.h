// Between row-major and channel-blocked layouts.
#pragma once

#include "targets/cpu/kernel.h"

namespace tenon::cpu {

// The same tensor of f32 in two layouts, one of them row-major.
void reorder(const Desc& from_desc, const float* from, const Desc& to_desc, float* to, int threads);

}  // namespace tenon::cpu
