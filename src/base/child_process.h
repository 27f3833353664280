// Another program, run as a child: its input given, its lines taken as they come, its time and
// memory limited.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tenon {

struct ChildRequest {
  std::vector<std::string> words;  // the program, looked for on PATH, and its arguments
  std::string input = {};          // what it reads from its standard input
  // Called with every line of its standard output, without the line's end.
  std::function<void(std::string_view)> line = {};
  std::chrono::milliseconds time_limit = {};  // 0: none
  uint64_t memory_limit = 0;                  // bytes of resident memory; 0: none
};

struct ChildEnd {
  enum class Reason : uint8_t { exited, killed, out_of_time, out_of_memory, interrupted };
  Reason reason = Reason::exited;
  int status = 0;               // of one that exited; the signal's number of one that was killed
  uint64_t peak_memory = 0;     // bytes, as far as it was seen
  std::string complaints = {};  // the end of what it wrote to its standard error

  bool good() const { return reason == Reason::exited && status == 0; }
};

// Waits for the end of the program, which it brings about where a limit is reached or this process
// is interrupted (SIGINT, SIGTERM): the child and whatever it has started are gone when this
// returns, and they go when this process dies. Fails where the program cannot be started.
Result<ChildEnd> run_child(const ChildRequest& request);

// The last line of what a program has written that says something; often it says why it failed.
std::string last_line(std::string_view text);

}  // namespace tenon
