// Kernels of the operators that only the engine has and that belong to no operator's folder.
#pragma once

#include <span>

#include "targets/cpu/kernel.h"

namespace tenon::cpu {

std::span<const KernelSpec> engine_kernels();

}  // namespace tenon::cpu
