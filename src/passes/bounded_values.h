// Operators whose results have a size that the data decides, composed for a fixed size: a result
// has as many rows as there can be, and the first `count` of them are it. The others are zeros
// where values are places, so that they may be looked up.
#pragma once

#include "ir/builder.h"
#include "ops/common/emit.h"

namespace tenon::passes {

struct Prefix {
  ir::Value* value = nullptr;
  ir::Value* count = nullptr;  // i64, 0-d
};

// Which of `size` rows count: bool[size].
ir::Value* counting(const ops::Emit& e, ir::Value* count, int64_t size);

// The places of a vector's true elements, in order: i64[size], where there are at most `size`.
Prefix true_places(const ops::Emit& e, ir::Value* mask, int64_t size);

// NonMaxSuppression of boxes [images, n, 4] and scores [images, classes, n], of which those count
// that are `eligible` (bool, to be broadcast). Greedy as ONNX defines it: the best box that is left
// is taken, and those of its image and class that overlap it by more than the threshold (0-d) are
// dropped; all images and classes at once. Gives rows of image, class and place,
// i64[images * classes * most, 3].
Result<Prefix> suppressed(const ops::Emit& e, ir::Node* before, ir::Value* boxes, ir::Value* scores,
                          ir::Value* eligible, ir::Value* threshold, bool centred, int64_t most);

// Unique of a vector x [size] whose first `count` elements count, sorted: values, places of the
// first of each, and how many there are of each, all [size]; for each element the number of its
// value.
struct Distinct {
  ir::Value *values, *first, *inverse, *repeats, *count;
};
Distinct distinct(const ops::Emit& e, ir::Value* x, ir::Value* count, int64_t size);

}  // namespace tenon::passes
