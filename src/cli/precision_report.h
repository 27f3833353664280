// What a reduced precision made of a model, as text and JSON.
#pragma once

#include "cli/summary.h"
#include "passes/reduced_precision.h"

namespace tenon::cli {

// How many values have the type, what stays in fp32 and why, which constants were clamped.
std::string precision_text(const passes::ReducedPrecision& reduced, DType type);
Json precision_json(const passes::ReducedPrecision& reduced, const std::string& precision);

}  // namespace tenon::cli
