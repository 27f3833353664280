// Complex numbers in lowerings: the real and the imaginary part as two real values, and formulas on
// them. In the graph a complex tensor is a real one whose last axis holds the two.
#pragma once

#include "ops/common/lower.h"

namespace tenon::ops::lower {

struct Parts {
  V *re = nullptr, *im = nullptr;
};

Parts parts(LowerContext& c, V* both);
// An argument, tensor or number, in a complex type.
Parts parts(LowerContext& c, std::string_view name, DType type);
// The parts as one value, which is a complex result.
V* joined(LowerContext& c, const Parts& z);
// The promoted type of arguments as a complex one; refuses what has none (half precision).
std::optional<DType> complex_type(LowerContext& c, std::initializer_list<std::string_view> names);

Parts add(LowerContext& c, const Parts& a, const Parts& b);
Parts sub(LowerContext& c, const Parts& a, const Parts& b);
Parts mul(LowerContext& c, const Parts& a, const Parts& b);
Parts div(LowerContext& c, const Parts& a, const Parts& b);
Parts scaled(LowerContext& c, const Parts& a, V* factor);
Parts negated(LowerContext& c, const Parts& a);
Parts conjugated(LowerContext& c, const Parts& a);
Parts where(LowerContext& c, V* condition, const Parts& yes, const Parts& no);
Parts number(LowerContext& c, V* like, double re, double im = 0);
// z * i
Parts turned(LowerContext& c, const Parts& z);

V* magnitude(LowerContext& c, const Parts& z);
V* angle(LowerContext& c, const Parts& z);  // -pi to pi, as atan2 gives it
V* is_zero(LowerContext& c, const Parts& z);
Parts polar(LowerContext& c, V* size, V* angle);
Parts exp(LowerContext& c, const Parts& z);
Parts log(LowerContext& c, const Parts& z);
Parts sqrt(LowerContext& c, const Parts& z);

}  // namespace tenon::ops::lower
