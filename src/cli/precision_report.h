// What the commands that write a model in a reduced precision share: what it made of the model, as
// text and JSON.
#pragma once

#include "cli/summary.h"
#include "passes/reduced_precision.h"

namespace tenon::cli {

// Fails where options are given that only a reduced precision has a use for.
Status refuse_precision_options(const std::string& io_types,
                                const std::vector<std::string>& keep_fp32);

// How many values have the type, what stays in fp32 and why, which constants were clamped.
std::string precision_text(const passes::ReducedPrecision& reduced, DType type);
Json precision_json(const passes::ReducedPrecision& reduced, const std::string& precision);

}  // namespace tenon::cli
