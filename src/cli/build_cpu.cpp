// tenon build --target cpu: a model becomes a plan for this machine, verified before it is written.
#include <fmt/format.h>

#include <chrono>

#include "api/session.h"
#include "base/mapped_file.h"
#include "cli/build.h"
#include "cli/progress.h"

namespace tenon::cli {

Status build_cpu(const BuildOptions& options, const Globals& globals) {
  const auto start = std::chrono::steady_clock::now();
  if (options.precision != "fp32") {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("cannot build a plan in {}", options.precision),
                 .why = "this version of the CPU engine computes in fp32 only",
                 .hint = "leave --precision out"});
  }
  // Whether the file can be written shows before the work, not after it.
  AtomicFile probe = TRY(AtomicFile::create(options.out));
  const api::Tables tables = api::make_tables();
  const numerics::ToleranceOptions tolerances =
      TRY(numerics::parse_tolerances(options.atol, options.rtol));
  api::CompileOptions compiling = TRY(options.engine.parse());
  api::Loaded loaded =
      TRY(api::load_graph(options.model, TRY(reading_with_profiles(options)), tables));
  Progress progress(globals.quiet);
  compiling.time_tactics = true;
  compiling.timing_cache = options.timing_cache;
  compiling.progress = progress.callback();
  const auto canonical = ir::clone(*loaded.graph);
  auto engine = api::compile(*loaded.graph, compiling, tables);
  if (!engine) return fail(with_where(std::move(engine).error(), {.file = options.model}));
  std::optional<api::Verification> verification;
  if (!options.no_verify) {
    progress.update(1, "verifying");
    verification = TRY(api::verify_engine(
        *canonical, *engine,
        {.reference = {.threads = compiling.threads}, .tolerances = tolerances}, tables));
    if (verification->verdict() == numerics::Verdict::diverges)
      return fail(diverged(options, *verification));
  }
  progress.clear();
  TRY(engine->save(options.out));
  if (globals.quiet && !globals.json) return {};
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (globals.json) {
    Json report = {{"file", options.out},
                   {"target", "cpu"},
                   {"seconds", seconds},
                   {"threads", engine->threads()},
                   {"weight_bytes", engine->weight_bytes()},
                   {"packed_bytes", engine->packed_bytes()}};
    report.update(interface_json(engine->graph()));
    report["verification"] = verification ? verification_json(*verification) : Json();
    report["notices"] = notices_json(loaded.notices);
    report["suspicions"] = notices_json(loaded.suspicions);
    fmt::print("{}\n", report.dump(2));
    return {};
  }
  if (verification)
    print_verification(*verification);
  else
    fmt::print("not verified, as --no-verify asks\n");
  fmt::print("{}: CPU plan for {} threads, weights {}, packed beside them {}, built in {:.1f} s\n",
             options.out, engine->threads(), megabytes(engine->weight_bytes()),
             megabytes(engine->packed_bytes()), seconds);
  fmt::print("{}{}", interface_text(engine->graph()), remarks_text(loaded, globals.verbose));
  return {};
}

}  // namespace tenon::cli
