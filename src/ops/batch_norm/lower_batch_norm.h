// Batch normalisation by given statistics, which instance normalisation uses too.
#pragma once

#include "torch/lowering.h"

namespace tenon::ops {

ir::Value* batch_norm_by_statistics(torch::LowerContext& c, ir::Value* x, ir::Value* weight,
                                    ir::Value* bias, ir::Value* mean, ir::Value* variance,
                                    double eps);

}  // namespace tenon::ops
