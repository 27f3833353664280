// Comparisons as text and JSON: the measured value always stands beside its limit.
#pragma once

#include "api/verify.h"
#include "cli/summary.h"

namespace tenon::cli {

// "scores: error 3e-07 of the largest magnitude, limit 1e-04"
std::string output_text(const api::OutputReport& output);
Json output_json(const api::OutputReport& output);
Json outputs_json(std::span<const api::OutputReport> outputs);

}  // namespace tenon::cli
