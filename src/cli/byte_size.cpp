#include "cli/byte_size.h"

#include <charconv>
#include <cmath>

namespace tenon::cli {

Result<uint64_t> parse_bytes(const std::string& text, const std::string& option) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  std::string unit(at, end);
  if (unit.ends_with("iB")) unit.resize(unit.size() - 2);
  if (unit.size() == 2 && unit.ends_with("B")) unit.pop_back();
  const double factor = unit.empty() || unit == "M" ? 0x1p20
                        : unit == "B"               ? 1
                        : unit == "K"               ? 0x1p10
                        : unit == "G"               ? 0x1p30
                                                    : 0;
  const double bytes = number * factor;
  if (error == std::errc() && bytes >= 1 && bytes < 0x1p62) return static_cast<uint64_t>(bytes);
  return fail({.kind = ErrorKind::usage,
               .what = "cannot read the amount of memory '" + text + "'",
               .why = option + " takes a number above 0 with a unit: B, K, M or G",
               .hint = "for example " + option + " 2G"});
}

}  // namespace tenon::cli
