// Whether an output agrees with its reference.
//
// An output passes when |a - b| <= atol + rtol * max|b|, the largest magnitude taken over the whole
// of the reference b; integers, booleans and strings have to be equal unless an atol is given.
// NaNs and infinities have to stand in the same places. A reference that proves nothing (empty,
// constant, saturated) makes the agreement inconclusive; it never excuses a difference.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tenon/tensor.h"

namespace tenon::numerics {

struct Tolerance {
  double atol = 0;
  double rtol = 1e-4;
};
// Of the least exact type that takes part: f32 1e-4, f16 1e-2, bf16 5e-2; 1e-1 of all types where
// the model is quantised (ToleranceOptions).
Tolerance default_tolerance(DType dtype);

// What a user asked for: for all outputs, and for some by name.
struct ToleranceOptions {
  std::optional<double> atol = {}, rtol = {};
  std::map<std::string, double, std::less<>> atol_of = {}, rtol_of = {};
  // Whether the model rounds to integers on its way: a value in the middle between two steps may
  // come out on either side, and what follows with it.
  bool quantised = false;
};
// Takes "1e-3" and "boxes:1e-2", several of them separated by commas.
Result<ToleranceOptions> parse_tolerances(std::string_view atol, std::string_view rtol);
// By the output's name, or by position ("output_0").
Tolerance tolerance_of(const ToleranceOptions& options, std::string_view name, size_t position,
                       DType dtype);

enum class Verdict { pass, inconclusive, diverges };
std::string_view name(Verdict verdict);

struct Difference {
  Verdict verdict = Verdict::pass;
  double error = 0;         // the largest |a - b|
  double limit = 0;         // atol + rtol * magnitude
  double magnitude = 0;     // max|b|
  Dims at = {};             // where the error is largest
  std::string reason = {};  // why it diverges or is inconclusive
  // error / magnitude, the figure beside rtol; the error itself where the magnitude is 0.
  double relative() const { return magnitude > 0 ? error / magnitude : error; }
};

Difference compare(const Tensor& a, const Tensor& reference, const Tolerance& tolerance);

// Why agreement with this reference proves nothing; empty where it proves something.
std::string proves_nothing(const Tensor& reference);

}  // namespace tenon::numerics
