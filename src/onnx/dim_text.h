// Reads the text that ir::Dim::str() writes.
#pragma once

#include <string_view>

#include "ir/dim.h"

namespace tenon::onnx {

// Fails where the text is no expression over symbols, or is nested too deeply.
Result<ir::Dim> parse_dim(std::string_view text);
// A name that parse_dim() takes for a symbol: other characters become '_'.
std::string symbol_name(std::string_view text);

}  // namespace tenon::onnx
