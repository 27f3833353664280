// What becomes of a constant's numbers in a 16-bit floating type.
#pragma once

#include "tenon/tensor.h"

namespace tenon::passes {

// The largest finite number of f16 or bf16, and the least that has all its digits.
double largest(DType type);
double least_normal(DType type);

struct Narrowing {
  // The finite element of the largest magnitude that the type has no number for; 0: there is none.
  double beyond = 0;
  bool only_limits = true;  // of those: all are f32's largest or lowest, which stand for no number
  bool only_low = true;     // of those: all are limits or below zero
  bool vanishes = false;    // it holds numbers other than zero, and all of them become zero
  double least = 0;         // the least magnitude that is not zero
};
Narrowing narrowing(const Tensor& f32, DType type);

// The constant in the type: rounded to nearest, finite numbers beyond the type's to its largest.
Tensor narrowed(const Tensor& f32, DType type);

}  // namespace tenon::passes
