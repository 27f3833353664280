// tenon bench ENGINE: how fast engines of TensorRT's run, one alone or two in turns.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cli/bench.h"
#include "cli/duration.h"
#include "cli/progress.h"
#include "numerics/sample.h"

namespace tenon::cli {
namespace {

using tensorrt::BenchResult;

Error not_together(const std::string& file, std::string why) {
  return {.kind = ErrorKind::usage,
          .what = "these files cannot be measured in turns",
          .where = {.file = file},
          .why = std::move(why),
          .hint = "measure them one at a time"};
}

double per_second(const BenchResult& result) {
  const double total = std::accumulate(result.latency_ms.begin(), result.latency_ms.end(), 0.0);
  return total > 0 ? static_cast<double>(result.latency_ms.size()) / total * 1e3 : 0;
}

Json result_json(const std::string& file, const tensorrt::BenchReport& report,
                 const BenchResult& result, bool cuda_graph) {
  Json layers = Json::array();
  for (const tensorrt::LayerTime& layer : result.layers)
    layers.push_back({{"name", layer.name}, {"ms", layer.milliseconds}});
  return {{"file", file},
          {"tensorrt", report.module.title()},
          {"gpu", report.gpu.name},
          {"compute_capability", report.gpu.capability},
          {"cuda_graph", cuda_graph},
          {"load_ms", result.load_ms},
          {"first_ms", result.first_ms},
          {"latency_ms", quantiles_json(result.latency_ms)},
          {"gpu_ms", quantiles_json(result.gpu_ms)},
          {"enqueue_ms", quantiles_json(result.enqueue_ms)},
          {"iterations", result.latency_ms.size()},
          {"throughput_per_s", per_second(result)},
          {"gpu_memory_mb", static_cast<double>(result.gpu_bytes) / 1e6},
          {"layers", std::move(layers)}};
}

void print_result(const std::string& file, const tensorrt::BenchReport& report,
                  const BenchResult& result, bool verbose) {
  fmt::print("{}\n  loaded in {:.1f} ms, first inference {:.2f} ms, {} on {} ({})\n", file,
             result.load_ms, result.first_ms, report.module.title(), report.gpu.name,
             report.gpu.capability);
  fmt::print("  latency, with copies: {}\n", quantiles_text(result.latency_ms));
  fmt::print("  on the GPU: {}\n", quantiles_text(result.gpu_ms));
  fmt::print("  the call alone: {}\n", quantiles_text(result.enqueue_ms));
  fmt::print("  {} inferences, {:.1f} per second, {} of the GPU's memory\n",
             result.latency_ms.size(), per_second(result), megabytes(result.gpu_bytes));
  std::vector<tensorrt::LayerTime> layers = result.layers;
  double total = 0;
  for (const tensorrt::LayerTime& layer : layers) total += layer.milliseconds;
  if (verbose) {
    fmt::print("layers, in order of execution\n");
  } else {
    std::ranges::stable_sort(layers, std::greater{}, &tensorrt::LayerTime::milliseconds);
    fmt::print("slowest of {} layers (all with -v)\n", layers.size());
    layers.resize(std::min(layers.size(), kShownLayers));
  }
  for (const tensorrt::LayerTime& layer : layers) {
    fmt::print("  {:8.3f} ms {:5.1f} %  {}\n", layer.milliseconds,
               total > 0 ? 100 * layer.milliseconds / total : 0, layer.name);
  }
}

// One process measures them all, so all have to be for its TensorRT.
Result<std::vector<tensorrt::BenchSubject>> subjects_of(const BenchOptions& options) {
  std::vector<tensorrt::BenchSubject> out;
  for (const std::string& file : options.files) {
    if (!api::is_engine(file)) {
      return fail(not_together(
          file, "one is an engine of TensorRT's, which runs in a process of its own, this is not"));
    }
    api::EngineFile engine = TRY(api::open_engine(file));
    tensorrt::RunSet inputs = TRY(engine_inputs(engine, options.inputs, options.reading));
    if (!out.empty() && (out[0].about.module != engine.about.module ||
                         out[0].about.version != engine.about.version)) {
      return fail(not_together(
          file, fmt::format("one is built by {} {}, the other by {} {}", out[0].about.module,
                            out[0].about.version, engine.about.module, engine.about.version)));
    }
    out.push_back({file, std::move(engine.about), std::move(inputs)});
  }
  return out;
}

}  // namespace

Status bench_engines(const BenchOptions& options, const Globals& globals) {
  TRY(refuse_model_options(options.reading, options.engine, options.files[0]));
  tensorrt::BenchRequest request{
      .subjects = TRY(subjects_of(options)),
      .warm_up_s = TRY(parse_duration(options.warm_up, "--warm-up")).count(),
      .duration_s = TRY(parse_duration(options.duration, "--duration")).count(),
      .iterations = options.iterations,
      .cuda_graph = options.cuda_graph,
      .verbose = globals.verbose,
      .limits = TRY(options.tensorrt.limits())};
  Progress progress(globals.quiet);
  request.progress = progress.callback();
  const tensorrt::BenchReport report =
      TRY(tensorrt::bench({.interpreter = options.tensorrt.python}, request));
  progress.clear();
  if (!globals.quiet) {
    print_tensorrt_messages(report.messages);
    print_tensorrt_messages(report.warnings);
  }
  if (globals.quiet && !globals.json) return {};
  const bool two = report.results.size() == 2;
  const numerics::RatioEstimate ratio =
      two ? numerics::ratio(report.results[0].latency_ms, report.results[1].latency_ms)
          : numerics::RatioEstimate{};
  if (globals.json) {
    Json json = result_json(options.files[0], report, report.results[0], options.cuda_graph);
    if (two) {
      json = {
          {"files",
           {json, result_json(options.files[1], report, report.results[1], options.cuda_graph)}},
          {"ratio", {{"median", ratio.median}, {"low", ratio.low}, {"high", ratio.high}}}};
    }
    fmt::print("{}\n", json.dump(2));
    return {};
  }
  for (size_t i = 0; i < report.results.size(); ++i)
    print_result(options.files[i], report, report.results[i], globals.verbose);
  if (two) {
    fmt::print("{} takes {:.3f} of the time of {} (95 % interval {:.3f} to {:.3f})\n",
               options.files[0], ratio.median, options.files[1], ratio.low, ratio.high);
  }
  return {};
}

}  // namespace tenon::cli
