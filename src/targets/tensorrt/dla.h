// NVIDIA's Deep Learning Accelerator: which nodes it leaves to the GPU.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "targets/tensorrt/release.h"

namespace tenon::tensorrt {

struct DlaFallback {
  const ir::Node* node = nullptr;
  std::string why;
};

// The nodes of the lowered graph that DLA cannot run, in the graph's order; all of them where the
// release has no DLA.
std::vector<DlaFallback> dla_fallbacks(const ir::Graph& lowered, const Release& release);

}  // namespace tenon::tensorrt
