// What trtexec prints and writes of a measurement, in its words, so that scripts read it.
#pragma once

#include <string>
#include <vector>

#include "targets/tensorrt/runner.h"

namespace tenon::cli {

// "v8502", "v100300": how trtexec writes the release.
std::string trtexec_version(const std::string& version);

// "[11/27/2026-10:32:00] [I] " before every line of the text.
std::string trtexec_lines(std::string_view text, char severity = 'I');

// "=== Trace details ===" and "=== Performance summary ===".
std::string performance_text(const tensorrt::BenchResult& result, int average_runs,
                             const std::vector<double>& percentiles);
// "=== Profile (N iterations ) ===".
std::string profile_text(const std::vector<tensorrt::LayerTime>& layers);

// The files of --exportTimes, --exportProfile.
std::string times_json(const tensorrt::BenchResult& result);
std::string profile_json(const std::vector<tensorrt::LayerTime>& layers);

}  // namespace tenon::cli
