// The child process that TensorRT's own Python module works in (child.py, cuda.py, runner.py): its
// crashes, its memory and its differences between releases stay there.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/child_process.h"

namespace tenon::tensorrt {

// The Python module that was found.
struct Module {
  std::string name;     // "tensorrt", "tensorrt_rtx_bindings"
  std::string version;  // "1.7.1.116"
  std::string python;   // "3.11.7"
  // Whether the network's types are the model's; else they are wishes written to its layers.
  bool typed = false;
  bool is_rtx() const { return name.starts_with("tensorrt_rtx"); }
  std::string title() const;  // "TensorRT-RTX 1.7.1.116"
};

struct Python {
  std::string interpreter = "python3";
  // The modules to look for; the first that is installed is taken.
  std::vector<std::string> modules = {"tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings"};
};

struct ChildLimits {
  std::chrono::milliseconds time = {};  // 0: none
  uint64_t memory = 0;                  // bytes; 0: none
};

// What the child has told of itself; the events of a command are the command's own.
struct Told {
  Module module;
  bool has_module = false, done = false;
  std::string refusal, why;                   // a kind and the reason
  std::string unreadable;                     // the first line that is no event
  std::vector<std::string> warnings, errors;  // TensorRT's own messages
  std::vector<std::string> messages;          // the others, where it is asked for them
  ChildEnd end;

  bool good() const { return done && refusal.empty() && end.good(); }
};

struct Question {
  std::function<void(const nlohmann::json&)> event = {};  // those that Told does not take
  std::function<void(double, std::string_view)> progress = {};
  ChildLimits limits = {};
};

// Starts the child with a request. Fails where there is no interpreter; all else is told.
Result<Told> ask(const Python& python, nlohmann::json request, const Question& question);

// Why the child did not do what it was asked: its own refusal, or how it ended.
struct Task {
  std::string failed;             // "TensorRT built no engine"
  std::string file;               // that it is about
  std::string smaller_work = {};  // what to try where the time is too short
};
Error failure(const Told& told, const Task& task, const Python& python, const ChildLimits& limits);
// Adds the last of what TensorRT has said besides, where it was asked to say more.
void add_messages(Error& error, const std::vector<std::string>& messages);

}  // namespace tenon::tensorrt
