#include "cli/duration.h"

#include <charconv>
#include <utility>

namespace tenon::cli {

Result<Seconds> parse_duration(const std::string& text, const std::string& option) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const auto& [name, seconds] : kUnits) {
    if (error == std::errc() && unit == name && value >= 0 && value * seconds < 1e6)
      return Seconds(value * seconds);
  }
  return fail(
      {.kind = ErrorKind::usage,
       .what = fmt::format("cannot read {} {}", option, text),
       .why = unit.empty() && error == std::errc() ? "the unit is missing" : "it is no duration",
       .hint = "for example 5s, 200ms or 2min"});
}

}  // namespace tenon::cli
