// A bar on the terminal for work that takes longer than a second.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

namespace tenon::cli {

class Progress {
 public:
  explicit Progress(bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  void clear();  // wipes the bar

  // The share of the work done, 0 to 1, and what is being done.
  void update(double share, std::string_view doing);
  std::function<void(double, std::string_view)> callback() {
    return [this](double share, std::string_view doing) { update(share, doing); };
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool enabled_, shown_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

}  // namespace tenon::cli
