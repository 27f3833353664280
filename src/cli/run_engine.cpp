// tenon run ENGINE: one inference of an engine of TensorRT's.
#include <fmt/format.h>

#include "archive/npy.h"
#include "cli/progress.h"
#include "cli/run.h"

namespace tenon::cli {

Status run_engine(const RunOptions& options, const Globals& globals) {
  TRY(refuse_model_options(options.reading, options.engine, options.file));
  const api::EngineFile engine = TRY(api::open_engine(options.file));
  tensorrt::RunRequest request{.engine = options.file,
                               .about = engine.about,
                               .sets = {},
                               .verbose = globals.verbose,
                               .limits = TRY(options.tensorrt.limits())};
  request.sets.push_back(TRY(engine_inputs(engine, options.inputs, options.reading)));
  const size_t profile = request.sets[0].profile;
  Progress progress(globals.quiet);
  request.progress = progress.callback();
  const tensorrt::RunReport report =
      TRY(tensorrt::run({.interpreter = options.tensorrt.python}, request));
  progress.clear();
  const tensorrt::RunOutputs& set = report.sets[0];
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < set.outputs.size(); ++i)
    named.push_back({engine.about.outputs[i].name, set.outputs[i]});
  if (!options.out.empty()) TRY(archive::write_npz(options.out, named));
  if (!globals.quiet) {
    print_tensorrt_messages(report.messages);
    print_tensorrt_messages(report.warnings);
  }
  if (globals.json) {
    const Json json = {{"file", options.file},       {"tensorrt", report.module.title()},
                       {"gpu", report.gpu.name},     {"compute_capability", report.gpu.capability},
                       {"profile", profile},         {"load_ms", report.load_ms},
                       {"run_ms", set.milliseconds}, {"outputs", tensors_json(named)}};
    fmt::print("{}\n", json.dump(2));
    return {};
  }
  if (globals.quiet) return {};
  if (options.inputs.random())
    fmt::print("inputs are random, seed {}; give your own with --inputs\n", options.inputs.seed);
  fmt::print("{}", tensors_text(named));
  fmt::print("loaded in {:.1f} ms, ran in {:.1f} ms on {} ({}), {}, profile {}\n", report.load_ms,
             set.milliseconds, report.gpu.name, report.gpu.capability, report.module.title(),
             profile);
  if (!options.out.empty()) fmt::print("outputs written to {}\n", options.out);
  return {};
}

}  // namespace tenon::cli
