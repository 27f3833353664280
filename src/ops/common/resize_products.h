// Resize as products with constant matrices, for those who have no such form of it.
#pragma once

#include "ir/builder.h"

namespace tenon::ops {

// Whether a Resize filters, keeps the ratio of its axes, or places samples in a way that older
// opsets and TensorRT do not have.
bool is_resize_of_late(const ir::Node& node);

// Each axis that changes is multiplied by the matrix of its taps. Null where that cannot be said:
// sizes or scales that are not fixed, elements that are no floats, crops.
ir::Value* resized_by_products(ir::Builder& b, const ir::Node& node);

}  // namespace tenon::ops
