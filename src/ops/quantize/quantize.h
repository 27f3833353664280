// Attributes of QuantizeLinear and DequantizeLinear, as in ONNX.
//
// real = scale * (stored - zero_point). The scale is one number, or one for each place along
// `axis`, or, with a block size, one for each block of places.
#pragma once

#include <string_view>
#include <tuple>

#include "ir/attributes.h"

namespace tenon::ops {

// (x, scale, zero_point?) -> round(x / scale) + zero_point, saturated; ties go to even.
struct QuantizeLinear {
  static constexpr std::string_view kName = "QuantizeLinear";
  int64_t axis = 1;
  int64_t block_size = 0;
  int64_t output_dtype = 0;  // 0: the zero point's type, u8 where there is none
  int64_t precision = 0;     // of the division; 0: the scale's type
  int64_t saturate = 1;      // of 8-bit floats
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &QuantizeLinear::axis),
                      ir::field("block_size", &QuantizeLinear::block_size),
                      ir::field("output_dtype", &QuantizeLinear::output_dtype),
                      ir::field("precision", &QuantizeLinear::precision),
                      ir::field("saturate", &QuantizeLinear::saturate)};
  }
};

// (x, scale, zero_point?) -> (x - zero_point) * scale.
struct DequantizeLinear {
  static constexpr std::string_view kName = "DequantizeLinear";
  int64_t axis = 1;
  int64_t block_size = 0;
  int64_t output_dtype = 0;  // 0: the scale's type
  static constexpr auto fields() {
    return std::tuple{ir::field("axis", &DequantizeLinear::axis),
                      ir::field("block_size", &DequantizeLinear::block_size),
                      ir::field("output_dtype", &DequantizeLinear::output_dtype)};
  }
};

// The least and the largest number that an integer type of at most 32 bits holds.
struct IntegerLimits {
  double low, high;
};
inline IntegerLimits limits_of(DType dtype) {
  const bool is_signed = dtype == DType::i2 || dtype == DType::i4 || dtype == DType::i8 ||
                         dtype == DType::i16 || dtype == DType::i32;
  const auto steps = static_cast<double>(int64_t{1} << bits(dtype));
  return is_signed ? IntegerLimits{-steps / 2, steps / 2 - 1} : IntegerLimits{0, steps - 1};
}

}  // namespace tenon::ops
