#include "cli/measure.h"

#include <sys/resource.h>

namespace tenon::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kProfiledRuns = 10;
constexpr Seconds kProfiledTime{1};

Result<double> timed_run(Subject& subject) {
  const auto start = Clock::now();
  auto outputs = subject.context.run(subject.inputs);
  const auto end = Clock::now();
  if (!outputs) return fail(with_where(std::move(outputs).error(), {.file = subject.file}));
  return std::chrono::duration<double, std::milli>(end - start).count();
}

Status profile(Subject& subject) {
  subject.context.set_profiling(true);
  const auto start = Clock::now();
  for (int i = 0; i < kProfiledRuns && (i == 0 || Clock::now() - start < kProfiledTime); ++i)
    TRY(timed_run(subject));
  subject.layers = subject.context.layers();
  subject.context.set_profiling(false);
  return {};
}

}  // namespace

Status measure(std::vector<Subject>& subjects, const MeasureOptions& options,
               const std::function<void(double, std::string_view)>& progress) {
  for (Subject& subject : subjects) {
    subject.first_ms = TRY(timed_run(subject));
    const auto start = Clock::now();
    while (Clock::now() - start < options.warm_up) TRY(timed_run(subject));
  }
  const auto start = Clock::now();
  const Seconds total = options.duration * static_cast<double>(subjects.size());
  for (size_t turn = 0;
       options.iterations ? turn < options.iterations : turn == 0 || Clock::now() - start < total;
       ++turn) {
    for (size_t i = 0; i < subjects.size(); ++i) {
      Subject& subject = subjects[turn % 2 == 0 ? i : subjects.size() - 1 - i];
      subject.latencies_ms.push_back(TRY(timed_run(subject)));
    }
    const double share =
        options.iterations ? static_cast<double>(turn + 1) / static_cast<double>(options.iterations)
                           : Seconds(Clock::now() - start) / total;
    progress(share, "measuring");
  }
  for (Subject& subject : subjects) TRY(profile(subject));
  return {};
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

}  // namespace tenon::cli
