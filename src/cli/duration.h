// Durations as the command line writes them: "5s", "200ms"; the unit is not left out.
#pragma once

#include <chrono>
#include <string>

#include "base/error.h"

namespace tenon::cli {

using Seconds = std::chrono::duration<double>;
Result<Seconds> parse_duration(const std::string& text, const std::string& option);

}  // namespace tenon::cli
