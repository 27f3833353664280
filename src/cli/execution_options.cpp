#include "cli/execution_options.h"

#include "archive/npy.h"

namespace tenon::cli {

void InputOptions::declare(CLI::App& app) {
  app.add_option("--inputs", file, "npz file of the inputs, by name or position (input_0)");
  app.add_option("--seed", seed, "of the random inputs, where no --inputs are given")
      ->capture_default_str();
  app.add_option("--val-range", range, "LOW,HIGH of the random inputs");
}

Result<std::vector<NamedTensor>> InputOptions::read() const {
  if (file.empty()) return std::vector<NamedTensor>{};
  if (!range.empty()) {
    return fail({.kind = ErrorKind::usage,
                 .what = "--inputs and --val-range cannot be given together",
                 .why = "--val-range is for inputs that are made up",
                 .hint = "leave one of them out"});
  }
  return archive::read_npz(file);
}

Result<std::vector<Tensor>> InputOptions::make(const ir::Graph& graph,
                                               const std::vector<NamedTensor>& given,
                                               const std::vector<InputSpec>& shapes) const {
  if (!file.empty()) return api::match_inputs(graph, given, file);
  api::RandomOptions options{.seed = seed, .range = {}, .shapes = shapes};
  if (!range.empty()) options.range = TRY(api::parse_value_range(range));
  return api::random_inputs(graph, options);
}

void EngineOptions::declare(CLI::App& app) {
  app.add_option("--threads", threads, "0: as many as this process may use")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--disable", disabled, "a pass or optimisation to leave out, by name");
}

Result<api::CompileOptions> EngineOptions::parse() const {
  return api::CompileOptions{.threads = threads, .disabled = disabled};
}

}  // namespace tenon::cli
