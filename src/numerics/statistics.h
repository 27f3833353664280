// Figures that sum up a tensor's elements.
#pragma once

#include "tenon/tensor.h"

namespace tenon::numerics {

// Over the elements that are finite; zeros where there are none, or the type has no numbers.
struct Statistics {
  double min = 0, max = 0, mean = 0;
  size_t not_finite = 0;
};
Statistics statistics(const Tensor& tensor);

}  // namespace tenon::numerics
