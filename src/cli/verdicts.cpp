#include "cli/verdicts.h"

#include <fmt/format.h>

#include <cmath>

namespace tenon::cli {
namespace {

// JSON has no infinities.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

}  // namespace

std::string output_text(const api::OutputReport& output) {
  const numerics::Difference& d = output.difference;
  std::string out = fmt::format("{}: {}", output.name, name(d.verdict));
  if (std::isfinite(d.error) && (d.magnitude > 0 || d.error > 0 || d.limit > 0)) {
    out += fmt::format(", error {:.2g}, limit {:.2g} ({:.1e} of the largest magnitude {:.4g})",
                       d.error, d.limit, d.relative(), d.magnitude);
  }
  if (!d.reason.empty()) out += ": " + d.reason;
  return out;
}

Json output_json(const api::OutputReport& output) {
  const numerics::Difference& d = output.difference;
  return {{"name", output.name},
          {"verdict", name(d.verdict)},
          {"error", number(d.error)},
          {"limit", number(d.limit)},
          {"magnitude", number(d.magnitude)},
          {"relative_error", number(d.relative())},
          {"atol", output.tolerance.atol},
          {"rtol", output.tolerance.rtol},
          {"at", d.at},
          {"reason", d.reason}};
}

Json outputs_json(std::span<const api::OutputReport> outputs) {
  Json out = Json::array();
  for (const api::OutputReport& output : outputs) out.push_back(output_json(output));
  return out;
}

}  // namespace tenon::cli
