// tenon bench: how fast files run, one alone or two in turns.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "cli/bench.h"
#include "cli/measure.h"
#include "cli/progress.h"
#include "numerics/sample.h"

namespace tenon::cli {
namespace {

Result<Subject> open(const std::string& file, const BenchOptions& options,
                     const api::Tables& tables,
                     const std::function<void(double, std::string_view)>& progress) {
  api::LoadOptions reading = TRY(options.reading.parse());
  reading.examples = TRY(options.inputs.read());
  api::CompileOptions compiling = TRY(options.engine.parse());
  compiling.time_tactics = true;
  compiling.progress = progress;
  const auto start = std::chrono::steady_clock::now();
  api::Session session = TRY(api::open_session(file, reading, compiling, tables));
  cpu::Context context = session.engine.new_context();
  const double load_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  auto inputs =
      options.inputs.make(session.engine.graph(), reading.examples, reading.import.shapes);
  if (!inputs) return fail(with_where(std::move(inputs).error(), {.file = file}));
  return Subject{.file = file,
                 .session = std::move(session),
                 .context = std::move(context),
                 .inputs = std::move(*inputs),
                 .load_ms = load_ms};
}

double throughput(const Subject& subject) {
  const double total =
      std::accumulate(subject.latencies_ms.begin(), subject.latencies_ms.end(), 0.0);
  return total > 0 ? static_cast<double>(subject.latencies_ms.size()) / total * 1e3 : 0;
}

Json report_json(const Subject& subject) {
  const std::vector<double>& all = subject.latencies_ms;
  Json layers = Json::array();
  for (const cpu::LayerInfo& layer : subject.layers) {
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"tactic", layer.tactic},
                      {"module", layer.module},
                      {"source", layer.source},
                      {"ms", layer.milliseconds}});
  }
  return {{"file", subject.file},
          {"threads", subject.session.engine.threads()},
          {"load_ms", subject.load_ms},
          {"first_ms", subject.first_ms},
          {"latency_ms", quantiles_json(all)},
          {"iterations", all.size()},
          {"throughput_per_s", throughput(subject)},
          {"peak_rss_mb", peak_rss_mb()},
          {"memory_mb", static_cast<double>(subject.context.memory()) / 1e6},
          {"layers", std::move(layers)}};
}

std::string layer_line(const cpu::LayerInfo& layer, double total) {
  std::string place = layer.module;
  if (!layer.source.empty()) place += (place.empty() ? "" : ", ") + layer.source;
  return fmt::format("  {:8.3f} ms {:5.1f} %  {} [{}]  {}\n", layer.milliseconds,
                     total > 0 ? 100 * layer.milliseconds / total : 0, layer.op, layer.tactic,
                     place);
}

void print_report(const Subject& subject, bool verbose) {
  const std::vector<double>& all = subject.latencies_ms;
  fmt::print("{}\n  ready in {:.1f} ms, first inference {:.2f} ms, {} threads\n", subject.file,
             subject.load_ms, subject.first_ms, subject.session.engine.threads());
  fmt::print("  latency: {}\n", quantiles_text(all));
  fmt::print("  {} inferences, {:.1f} per second, peak memory {:.0f} MB\n", all.size(),
             throughput(subject), peak_rss_mb());
  std::vector<cpu::LayerInfo> layers = subject.layers;
  double total = 0;
  for (const cpu::LayerInfo& layer : layers) total += layer.milliseconds;
  if (verbose) {
    fmt::print("layers, in order of execution\n");
  } else {
    std::ranges::stable_sort(layers, std::greater{}, &cpu::LayerInfo::milliseconds);
    fmt::print("slowest of {} layers (all with -v)\n", layers.size());
    layers.resize(std::min(layers.size(), kShownLayers));
  }
  for (const cpu::LayerInfo& layer : layers) fmt::print("{}", layer_line(layer, total));
}

Status run(const BenchOptions& options, const Globals& globals) {
  if (std::ranges::any_of(options.files, api::is_engine)) return bench_engines(options, globals);
  if (options.cuda_graph) {
    return fail({.kind = ErrorKind::usage,
                 .what = "--cuda-graph is for engines of TensorRT's",
                 .where = {.file = options.files[0]},
                 .why = "a graph of CUDA's is work of a GPU",
                 .hint = "leave it out"});
  }
  MeasureOptions measuring{.duration = TRY(parse_duration(options.duration, "--duration")),
                           .warm_up = TRY(parse_duration(options.warm_up, "--warm-up")),
                           .iterations = options.iterations};
  std::vector<Subject> subjects;
  {
    const api::Tables tables = api::make_tables();
    Progress progress(globals.quiet);
    for (const std::string& file : options.files)
      subjects.push_back(TRY(open(file, options, tables, progress.callback())));
  }
  {
    Progress progress(globals.quiet);
    TRY(measure(subjects, measuring, progress.callback()));
  }
  for (const Subject& subject : subjects) {
    if (!globals.quiet) print_notices(subject.session.engine.notices());
  }
  if (globals.quiet && !globals.json) return {};
  const bool two = subjects.size() == 2;
  const numerics::RatioEstimate ratio =
      two ? numerics::ratio(subjects[0].latencies_ms, subjects[1].latencies_ms)
          : numerics::RatioEstimate{};
  if (globals.json) {
    Json report = report_json(subjects[0]);
    if (two) {
      report = {{"files", {report, report_json(subjects[1])}},
                {"ratio", {{"median", ratio.median}, {"low", ratio.low}, {"high", ratio.high}}}};
    }
    fmt::print("{}\n", report.dump(2));
    return {};
  }
  for (const Subject& subject : subjects) print_report(subject, globals.verbose);
  if (two) {
    fmt::print("{} takes {:.3f} of the time of {} (95 % interval {:.3f} to {:.3f})\n",
               subjects[0].file, ratio.median, subjects[1].file, ratio.low, ratio.high);
  }
  return {};
}

std::function<Status()> declare(CLI::App& app, const Globals& globals) {
  auto options = std::make_shared<BenchOptions>();
  app.add_option("FILE", options->files,
                 "one or two models, ONNX files or plans, or engines of one release")
      ->required()
      ->expected(1, 2);
  app.add_option("--iterations", options->iterations,
                 "how many inferences to time, instead of --duration")
      ->check(CLI::Range(size_t{1}, size_t{1} << 30));
  app.add_option("--duration", options->duration, "how long to measure each file")
      ->capture_default_str();
  app.add_option("--warm-up", options->warm_up, "how long to run before that")
      ->capture_default_str();
  app.add_flag("--cuda-graph", options->cuda_graph,
               "engines: capture an inference once and launch that");
  options->inputs.declare(app);
  options->reading.declare(app, false);
  options->engine.declare(app);
  options->tensorrt.declare(app, "--python");
  return [options, &globals] { return run(*options, globals); };
}

}  // namespace

Json quantiles_json(const std::vector<double>& milliseconds) {
  return {{"min", numerics::quantile(milliseconds, 0)},
          {"median", numerics::quantile(milliseconds, 0.5)},
          {"p90", numerics::quantile(milliseconds, 0.9)},
          {"p99", numerics::quantile(milliseconds, 0.99)}};
}

std::string quantiles_text(const std::vector<double>& milliseconds) {
  return fmt::format("min {:.3f} ms, median {:.3f} ms, p90 {:.3f} ms, p99 {:.3f} ms",
                     numerics::quantile(milliseconds, 0), numerics::quantile(milliseconds, 0.5),
                     numerics::quantile(milliseconds, 0.9), numerics::quantile(milliseconds, 0.99));
}

Command bench_command() {
  return {.name = "bench",
          .about = "Measure how fast one file runs, or two in turns",
          .example =
              "  tenon bench resnet18.tenon --duration 2s\n"
              "  tenon bench new.tenon old.tenon\n"
              "  tenon bench resnet18.engine --python trt/bin/python --cuda-graph\n",
          .declare = declare};
}

}  // namespace tenon::cli
