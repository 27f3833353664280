// Puts what TensorRT's parser and builder say, raw assertions for the most part, into words about
// the model: which operator of which module and source line, why not, and what to do.
#pragma once

#include "targets/tensorrt/builder.h"

namespace tenon::tensorrt {

// `report.failure` with a detail for every operator that TensorRT refuses; `written` is the graph
// as it stands in the file that TensorRT was given.
Error explain(const BuildReport& report, const ir::Graph& written);

// The heart of a message: without error codes, source files, and complaints about a missing GPU,
// which a build does not need.
std::string plain_message(std::string_view raw);

}  // namespace tenon::tensorrt
