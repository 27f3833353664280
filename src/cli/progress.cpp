#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace tenon::cli {
namespace {

using namespace std::chrono_literals;
constexpr int kWidth = 30;
constexpr size_t kTextWidth = 40;

}  // namespace

Progress::Progress(bool quiet) : enabled_(!quiet && isatty(STDERR_FILENO) == 1) {}

void Progress::clear() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

void Progress::update(double share, std::string_view doing) {
  const auto now = Clock::now();
  if (!enabled_ || now - start_ < 1s || (shown_ && now - last_ < 100ms)) return;
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * kWidth);
  const std::string bar = fmt::format("\r\x1b[K[{:#<{}}{:.<{}}] {:3.0f} % {}", "", full, "",
                                      kWidth - full, share * 100, doing.substr(0, kTextWidth));
  std::fputs(bar.c_str(), stderr);
  std::fflush(stderr);
  shown_ = true;
  last_ = now;
}

}  // namespace tenon::cli
