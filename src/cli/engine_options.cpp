#include "cli/engine_options.h"

#include <fmt/format.h>

#include "cli/byte_size.h"
#include "cli/duration.h"

namespace tenon::cli {

void TensorrtRunOptions::declare(CLI::App& app, const std::string& python_option) {
  app.add_option(python_option, python, "engines: an interpreter that has TensorRT's module")
      ->capture_default_str();
  app.add_option("--time-limit", time_limit, "engines: give up after this long, 10min");
  app.add_option("--memory-limit", memory_limit,
                 "engines: give up where it takes more of the host's memory, 8G");
}

Result<tensorrt::ChildLimits> TensorrtRunOptions::limits() const {
  tensorrt::ChildLimits out;
  if (!time_limit.empty()) {
    out.time = std::chrono::duration_cast<std::chrono::milliseconds>(
        TRY(parse_duration(time_limit, "--time-limit")));
  }
  if (!memory_limit.empty()) out.memory = TRY(parse_bytes(memory_limit, "--memory-limit"));
  return out;
}

Status refuse_model_options(const ModelOptions& reading, const EngineOptions& engine,
                            const std::string& file) {
  const ModelOptions none;
  const std::pair<const char*, bool> given[] = {
      {"--mode", reading.mode != none.mode},
      {"--dynamic", !reading.dynamic.empty()},
      {"--set", !reading.settings.empty()},
      {"--method", reading.method != none.method},
      {"--state", reading.state != none.state},
      {"--also-traced-at", !reading.also_traced_at.empty()},
      {"--threads", engine.threads != 0},
      {"--disable", !engine.disabled.empty()}};
  for (const auto& [option, is_given] : given) {
    if (!is_given) continue;
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("{} does not apply to an engine of TensorRT's", option),
                 .where = {.file = file},
                 .why = "it changes how a model is read or compiled, and an engine is fixed",
                 .hint = "leave it out, or give it to tenon build"});
  }
  return {};
}

Result<tensorrt::RunSet> engine_inputs(const api::EngineFile& engine, const InputOptions& inputs,
                                       const ModelOptions& reading) {
  const std::vector<NamedTensor> given = TRY(inputs.read());
  auto made = inputs.make(*engine.inputs, given, TRY(parse_shapes(reading.shapes)));
  if (!made) return fail(with_where(std::move(made).error(), {.file = engine.path}));
  const size_t profile = TRY(api::fitting_profile(engine, *made));
  return tensorrt::RunSet{.profile = profile, .inputs = std::move(*made)};
}

void print_tensorrt_messages(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) fmt::print(stderr, "TensorRT: {}\n", message);
}

}  // namespace tenon::cli
