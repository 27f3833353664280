// Einsum's equation, parsed.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::ops {

// Each operand's axes as letters; '.' stands for the whole ellipsis.
struct EinsumEquation {
  std::vector<std::string> inputs;
  std::string output;
};

std::expected<EinsumEquation, std::string> parse_einsum(std::string_view equation);

}  // namespace tenon::ops
