#include "cli/trtexec_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <numeric>

#include "targets/tensorrt/release.h"

namespace tenon::cli {
namespace {

using tensorrt::BenchResult;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<size_t>(1, values.size()));
}

double median(const std::vector<double>& sorted) {
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// trtexec's own rule: the greatest of what is left when (100 - p) % of the samples are cut off.
double percentile(const std::vector<double>& sorted, double p) {
  const auto all = static_cast<int64_t>(sorted.size());
  const auto cut = static_cast<int64_t>((1 - p / 100) * static_cast<double>(all));
  return sorted[static_cast<size_t>(std::max<int64_t>(all - 1 - cut, 0))];
}

std::string summary(std::string_view name, std::vector<double> values,
                    const std::vector<double>& percentiles) {
  std::ranges::sort(values);
  std::string out =
      fmt::format("{}: min = {:g} ms, max = {:g} ms, mean = {:g} ms, median = {:g} ms", name,
                  values.front(), values.back(), mean(values), median(values));
  for (const double p : percentiles)
    out += fmt::format(", percentile({:g}%) = {:g} ms", p, percentile(values, p));
  return out + "\n";
}

// trtexec's latency: the copy in, the computation, the copy out.
std::vector<double> latencies(const BenchResult& result) {
  std::vector<double> out;
  for (size_t i = 0; i < result.gpu_ms.size(); ++i)
    out.push_back(result.copies_in_ms[i] + result.gpu_ms[i] + result.copies_out_ms[i]);
  return out;
}

double wall_ms(const BenchResult& result) {
  return result.start_ms.back() + result.latency_ms.back() - result.start_ms.front();
}

}  // namespace

std::string trtexec_version(const std::string& version) {
  const auto [major, minor, patch] = tensorrt::parse_version(version).value_or(tensorrt::Version{});
  const int number = major < 10 ? major * 1000 : major * 10000;
  return fmt::format("v{}", number + minor * 100 + patch);
}

std::string trtexec_lines(std::string_view text, char severity) {
  const std::string head =
      fmt::format("[{:%m/%d/%Y-%H:%M:%S}] [{}] ", fmt::localtime(std::time(nullptr)), severity);
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out += fmt::format("{}{}\n", head, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string performance_text(const BenchResult& result, int average_runs,
                             const std::vector<double>& percentiles) {
  const std::vector<double> latency = latencies(result);
  const size_t count = latency.size();
  const double wall = wall_ms(result);
  std::string out = fmt::format(
      "Timing trace has {} queries over {:g} s\n\n=== Trace details ===\n", count, wall / 1e3);
  out += fmt::format("Trace averages of {} runs:\n", average_runs);
  const auto runs = static_cast<size_t>(average_runs);
  const auto average = [&](const std::vector<double>& values, size_t at) {
    return std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(at),
                           values.begin() + static_cast<std::ptrdiff_t>(at + runs), 0.0) /
           average_runs;
  };
  for (size_t at = 0; at + runs <= count; at += runs) {
    out += fmt::format(
        "Average on {} runs - GPU latency: {:g} ms - Host latency: {:g} ms (enqueue {:g} ms)\n",
        average_runs, average(result.gpu_ms, at), average(latency, at),
        average(result.enqueue_ms, at));
  }
  out += fmt::format("\n=== Performance summary ===\nThroughput: {:g} qps\n",
                     static_cast<double>(count) / wall * 1e3);
  out += summary("Latency", latency, percentiles);
  out += summary("Enqueue Time", result.enqueue_ms, percentiles);
  out += summary("H2D Latency", result.copies_in_ms, percentiles);
  out += summary("GPU Compute Time", result.gpu_ms, percentiles);
  out += summary("D2H Latency", result.copies_out_ms, percentiles);
  out += fmt::format("Total Host Walltime: {:g} s\nTotal GPU Compute Time: {:g} s\n", wall / 1e3,
                     std::accumulate(result.gpu_ms.begin(), result.gpu_ms.end(), 0.0) / 1e3);
  return out;
}

std::string profile_text(const std::vector<tensorrt::LayerTime>& layers) {
  double total = 0;
  for (const tensorrt::LayerTime& layer : layers) total += layer.milliseconds;
  std::string out = fmt::format("\n=== Profile ({} iterations ) ===\n{:>11}{:>13}{:>11}   Layer\n",
                                tensorrt::kProfiledRuns, "Time(ms)", "Avg.(ms)", "Time(%)");
  const auto line = [&](const std::string& name, double ms) {
    out += fmt::format("{:>11.2f}{:>13.4f}{:>11.1f}   {}\n", ms * tensorrt::kProfiledRuns, ms,
                       total > 0 ? 100 * ms / total : 0, name);
  };
  for (const tensorrt::LayerTime& layer : layers) line(layer.name, layer.milliseconds);
  line("Total", total);
  return out;
}

std::string times_json(const BenchResult& result) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (size_t i = 0; i < result.gpu_ms.size(); ++i) {
    // The GPU's times, put after the moment at which the host began.
    const double start = result.start_ms[i] - result.start_ms.front();
    const double computes = start + result.copies_in_ms[i];
    const double copies = computes + result.gpu_ms[i];
    const double ends = copies + result.copies_out_ms[i];
    out.push_back({{"startEnqMs", start},
                   {"endEnqMs", start + result.enqueue_ms[i]},
                   {"startH2dMs", start},
                   {"endH2dMs", computes},
                   {"startComputeMs", computes},
                   {"endComputeMs", copies},
                   {"startD2hMs", copies},
                   {"endD2hMs", ends},
                   {"h2dMs", result.copies_in_ms[i]},
                   {"computeMs", result.gpu_ms[i]},
                   {"d2hMs", result.copies_out_ms[i]},
                   {"latencyMs", ends - start}});
  }
  return out.dump(1) + "\n";
}

std::string profile_json(const std::vector<tensorrt::LayerTime>& layers) {
  double total = 0;
  for (const tensorrt::LayerTime& layer : layers) total += layer.milliseconds;
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  out.push_back({{"count", tensorrt::kProfiledRuns}});
  for (const tensorrt::LayerTime& layer : layers) {
    out.push_back({{"name", layer.name},
                   {"timeMs", layer.milliseconds * tensorrt::kProfiledRuns},
                   {"averageMs", layer.milliseconds},
                   {"percentage", total > 0 ? 100 * layer.milliseconds / total : 0}});
  }
  return out.dump(1) + "\n";
}

}  // namespace tenon::cli
