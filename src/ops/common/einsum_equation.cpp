#include "ops/common/einsum_equation.h"

#include <algorithm>
#include <map>

namespace tenon::ops {
namespace {

std::expected<std::string, std::string> parse_term(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i, 3) == "...") {
      if (out.find('.') != std::string::npos) return std::unexpected("an ellipsis stands twice");
      out += '.';
      i += 2;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      out += c;
    } else {
      return std::unexpected(std::string("the character '") + c + "' has no meaning");
    }
  }
  return out;
}

}  // namespace

std::expected<EinsumEquation, std::string> parse_einsum(std::string_view equation) {
  std::string text;
  for (char c : equation) {
    if (c != ' ') text += c;
  }
  const size_t arrow = text.find("->");
  EinsumEquation out;
  std::string_view left = std::string_view(text).substr(0, arrow);
  while (true) {
    const size_t comma = left.find(',');
    auto term = parse_term(left.substr(0, comma));
    if (!term) return std::unexpected(term.error());
    out.inputs.push_back(*term);
    if (comma == std::string_view::npos) break;
    left.remove_prefix(comma + 1);
  }
  if (arrow != std::string::npos) {
    auto term = parse_term(std::string_view(text).substr(arrow + 2));
    if (!term) return std::unexpected(term.error());
    out.output = *term;
    for (char c : out.output) {
      const bool known = std::any_of(out.inputs.begin(), out.inputs.end(), [&](const auto& input) {
        return input.find(c) != std::string::npos;
      });
      if (!known && c != '.') return std::unexpected("the output has an axis that no input has");
      if (std::count(out.output.begin(), out.output.end(), c) > 1)
        return std::unexpected("the output has an axis twice");
    }
    return out;
  }
  // Without an arrow: the ellipsis, then what occurs once, in alphabetical order.
  std::map<char, int> counts;
  for (const auto& input : out.inputs) {
    for (char c : input) ++counts[c];
  }
  if (counts.contains('.')) out.output += '.';
  for (const auto& [c, count] : counts) {
    if (c != '.' && count == 1) out.output += c;
  }
  return out;
}

}  // namespace tenon::ops
