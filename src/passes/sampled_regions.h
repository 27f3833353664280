// RoiAlign for targets that have none, as sums of pixels that are looked up.
#pragma once

#include "passes/passes.h"

namespace tenon::passes {

// Every RoiAlign that averages a fixed number of samples (sampling_ratio > 0) becomes its formula:
// the samples of all bins, the four pixels around each, and the means of what they weigh (He et
// al., "Mask R-CNN", 2017, section 3). Places are computed in fp32 whatever the image is in. Leaves
// those alone that take maxima, or as many samples as a region is large.
Status compose_roi_align(ir::Graph& graph, const PassContext& context);

}  // namespace tenon::passes
