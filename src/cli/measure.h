// Measures how fast something runs.
#pragma once

#include <vector>

#include "api/session.h"
#include "cli/duration.h"

namespace tenon::cli {

// One file under measurement.
struct Subject {
  std::string file;
  api::Session session;
  cpu::Context context;
  std::vector<Tensor> inputs;
  double load_ms = 0;   // from the file to ready
  double first_ms = 0;  // the first inference
  std::vector<double> latencies_ms = {};
  std::vector<cpu::LayerInfo> layers = {};
};

struct MeasureOptions {
  Seconds duration{5}, warm_up{0.2};
  size_t iterations = 0;  // 0: as many as the duration takes
};

// Runs the subjects in turns, each turn in the opposite order of the one before, so that a machine
// that grows slower or faster does so for all; then a few profiled runs of each.
Status measure(std::vector<Subject>& subjects, const MeasureOptions& options,
               const std::function<void(double, std::string_view)>& progress);

// The most memory that this process has ever held, in MB (10^6 bytes).
double peak_rss_mb();

}  // namespace tenon::cli
