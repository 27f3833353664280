#include "cli/check_bundle.h"

#include <fmt/format.h>

#include "api/bundle.h"
#include "cli/verdicts.h"

namespace tenon::cli {
namespace {

std::string boundary_text(const api::Boundary& boundary) {
  return boundary.source.empty() ? boundary.module
                                 : fmt::format("{}, {}", boundary.module, boundary.source);
}

Json boundary_json(const std::optional<api::Boundary>& boundary) {
  if (!boundary) return {};
  return {{"tensor", boundary->tensor}, {"module", boundary->module}, {"source", boundary->source}};
}

Json report_json(const api::BundleCheck& check) {
  Json out = {{"target", check.bundle.target}, {"machine", check.machine}};
  out["samples"] = Json::array();
  for (const api::StageReport& sample : check.samples) {
    out["samples"].push_back({{"sample", sample.stage},
                              {"verdict", name(sample.verdict())},
                              {"outputs", outputs_json(sample.outputs)}});
  }
  out["bisected"] = check.bisected;
  out["last_good"] = boundary_json(check.last_good);
  out["first_bad"] = boundary_json(check.first_bad);
  if (check.at_first_bad) out["at_first_bad"] = output_json(*check.at_first_bad);
  return out;
}

void print_report(const api::BundleCheck& check) {
  fmt::print("{} for {}, as {} computed it\n", check.bundle.model, check.bundle.target,
             check.machine.empty() ? "the other machine" : check.machine);
  for (const api::StageReport& sample : check.samples) {
    fmt::print("{:<13} {}\n", name(sample.verdict()), sample.stage);
    for (const api::OutputReport& output : sample.outputs)
      fmt::print("                {}\n", output_text(output));
  }
  if (check.bisected && !check.first_bad)
    fmt::print("module by module: {} of {} agree with Tenon's own run of the same model\n",
               check.bundle.boundaries.size(), check.bundle.boundaries.size());
}

// Modules between the last one that is right and the first one that is not.
Error diverged(const std::string& folder, const api::BundleCheck& check) {
  Error error{.kind = ErrorKind::negative,
              .what = "the other machine's engine does not compute what the model does",
              .where = {.file = folder},
              .why = "outputs are out of tolerance",
              .hint = "run ./build.sh bisect and verify.py --bisect there, which tell the module"};
  for (const api::StageReport& sample : check.samples) {
    for (const api::OutputReport& output : sample.outputs) {
      if (output.difference.verdict == numerics::Verdict::diverges)
        error.details.push_back({.kind = ErrorKind::negative,
                                 .what = fmt::format("{}: {}", sample.stage, output_text(output))});
    }
  }
  if (!check.bisected) return error;
  if (!check.first_bad) {
    error.why =
        "outputs are out of tolerance, though every module agrees with Tenon's own run of "
        "the same model: the precision itself moves them";
    error.hint = "keep more in fp32 with --keep-fp32, or allow more with --rtol";
    return error;
  }
  error.where.module = check.first_bad->module;
  error.where.source = check.first_bad->source;
  error.why = fmt::format("the first module that is wrong is {}: {}; {}",
                          boundary_text(*check.first_bad), output_text(*check.at_first_bad),
                          check.last_good ? "right up to " + boundary_text(*check.last_good)
                                          : "none before it is right");
  error.hint = "look at what the engine does there: verify.py's results hold its layers";
  return error;
}

}  // namespace

Status check_bundle(const std::string& folder, const std::string& results, const Globals& globals) {
  const api::Tables tables = api::make_tables();
  const api::BundleCheck check = TRY(api::check_bundle(folder, results, tables));
  if (globals.json)
    fmt::print("{}\n", report_json(check).dump(2));
  else if (!globals.quiet)
    print_report(check);
  bool bad = check.first_bad.has_value();
  for (const api::StageReport& sample : check.samples)
    bad |= sample.verdict() == numerics::Verdict::diverges;
  if (bad) return fail(diverged(folder, check));
  return {};
}

}  // namespace tenon::cli
