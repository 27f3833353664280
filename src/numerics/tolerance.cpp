#include <algorithm>
#include <charconv>
#include <cmath>

#include "numerics/compare.h"

namespace tenon::numerics {
namespace {

Status parse(std::string_view text, std::string_view option, std::optional<double>& all,
             std::map<std::string, double, std::less<>>& by_name) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const size_t colon = entry.rfind(':');
    const std::string_view number =
        colon == std::string_view::npos ? entry : entry.substr(colon + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size() || !(value >= 0) ||
        !std::isfinite(value)) {
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("cannot read the tolerance '{}'", entry),
                   .why = fmt::format("'{}' is no number of at least 0", number),
                   .hint = fmt::format("for example {} 1e-3, or {} boxes:1e-2 for one output",
                                       option, option)});
    }
    if (colon == std::string_view::npos)
      all = value;
    else
      by_name[std::string(entry.substr(0, colon))] = value;
  }
  return {};
}

}  // namespace

Tolerance default_tolerance(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return {.atol = 0, .rtol = 1e-2};
    case DType::bf16:
      return {.atol = 0, .rtol = 5e-2};
    default:
      return {.atol = 0, .rtol = 1e-4};
  }
}

Result<ToleranceOptions> parse_tolerances(std::string_view atol, std::string_view rtol) {
  ToleranceOptions out;
  TRY(parse(atol, "--atol", out.atol, out.atol_of));
  TRY(parse(rtol, "--rtol", out.rtol, out.rtol_of));
  return out;
}

Tolerance tolerance_of(const ToleranceOptions& options, std::string_view name, size_t position,
                       DType dtype) {
  Tolerance out = default_tolerance(dtype);
  if (options.quantised) out.rtol = std::max(out.rtol, 1e-1);
  const std::string by_position = fmt::format("output_{}", position);
  auto take = [&](double& to, const std::optional<double>& all, const auto& by_name) {
    if (all) to = *all;
    auto entry = by_name.find(name);
    if (entry == by_name.end()) entry = by_name.find(by_position);
    if (entry != by_name.end()) to = entry->second;
  };
  take(out.atol, options.atol, options.atol_of);
  take(out.rtol, options.rtol, options.rtol_of);
  return out;
}

}  // namespace tenon::numerics
