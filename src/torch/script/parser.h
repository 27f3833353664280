// Parses the Python subset of script/ast.h.
#pragma once

#include <string_view>

#include "base/error.h"
#include "torch/script/ast.h"

namespace tenon::torch::script {

// Bounded in depth: fails instead of overflowing the stack.
Result<File> parse(std::string_view source);

}  // namespace tenon::torch::script
