#include "targets/tensorrt/child.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "targets/tensorrt/diagnosis.h"
#include "targets/tensorrt/scripts.h"

namespace tenon::tensorrt {

namespace {

using Json = nlohmann::json;

constexpr const char* kInstall =
    "install it with: pip install tensorrt (a GPU must be there), or pip install "
    "tensorrt-rtx-cu13-libs "
    "tensorrt-rtx-cu13-bindings (builds without one); --python names the interpreter";
constexpr const char* kSaysMore = "run the same with -v, and see what TensorRT says";

void take_log(const Json& event, Told& told) {
  const std::string severity = event.at("severity"), text = event.at("text");
  const bool bad = severity == "error" || severity == "internal_error";
  (bad ? told.errors : severity == "warning" ? told.warnings : told.messages).push_back(text);
}

void take_event(const Json& event, const Question& question, Told& told) {
  const std::string kind = event.at("event");
  if (kind == "module") {
    told.module = {event.at("name"), event.at("version"), event.at("python"), event.at("typed")};
    told.has_module = true;
  } else if (kind == "log") {
    take_log(event, told);
  } else if (kind == "progress") {
    if (question.progress)
      question.progress(event.at("share"), event.at("phase").get<std::string>());
  } else if (kind == "refused") {
    told.refusal = event.at("kind");
    told.why = event.at("why");
  } else if (kind == "done") {
    told.done = true;
  } else if (question.event) {
    question.event(event);
  }
}

void take_line(std::string_view line, const Question& question, Told& told) {
  try {
    take_event(Json::parse(line), question, told);
  } catch (const Json::exception&) {
    if (told.unreadable.empty()) told.unreadable = line.substr(0, 200);
  }
}

std::string megabytes(uint64_t bytes) { return fmt::format("{} MB", bytes >> 20); }

// Why the child ended otherwise than by its own word.
Error ended(const Told& told, const Task& task, const ChildLimits& limits) {
  using Reason = ChildEnd::Reason;
  const ChildEnd& end = told.end;
  Error error{.kind = ErrorKind::resource, .what = task.failed, .where = {.file = task.file}};
  switch (end.reason) {
    case Reason::out_of_time:
      error.why = fmt::format("it took longer than {:.0f} s",
                              std::chrono::duration<double>(limits.time).count());
      error.hint = "allow more with --time-limit, or less work with " + task.smaller_work;
      return error;
    case Reason::out_of_memory:
      error.why = fmt::format("it took more than {} of memory", megabytes(limits.memory));
      error.hint = "allow more with --memory-limit, or give smaller largest shapes";
      return error;
    case Reason::interrupted:
      error.why = "it was interrupted";
      error.hint = "start it again; nothing was written";
      return error;
    case Reason::killed:
      error.why = fmt::format("its process was killed by signal {} ({})", end.status,
                              strsignal(end.status));
      error.hint = end.status == SIGKILL
                       ? "the machine may have run out of memory: give smaller largest shapes"
                       : "this is a fault of TensorRT: try another release of it";
      break;
    case Reason::exited:
      error.kind = ErrorKind::internal;
      error.why = fmt::format("its process ended with status {}", end.status);
      error.hint = "run the same with -v, and see what its interpreter says";
      break;
  }
  const std::string said = !told.unreadable.empty() ? told.unreadable : last_line(end.complaints);
  if (!told.errors.empty())
    error.why += "; TensorRT's last message: " + told.errors.back();
  else if (!said.empty())
    error.why += "; its last words: " + said;
  return error;
}

struct RefusalKind {
  std::string_view name;
  ErrorKind kind;
  std::string_view hint;
  bool explained = false;  // TensorRT's own message says more than the child
};
constexpr RefusalKind kRefusals[] = {
    {"missing_module", ErrorKind::resource, kInstall},
    {"broken_module", ErrorKind::resource, kInstall},
    {"memory", ErrorKind::resource, "give smaller largest shapes"},
    {"write", ErrorKind::resource, "free some space or choose another path"},
    {"flag", ErrorKind::unsupported, "leave the option out, or use a release that has it"},
    {"capability", ErrorKind::usage, "choose one of these with --compute-capability"},
    {"values", ErrorKind::unsupported,
     "make these numbers the size of an input, or constants of the model"},
    {"profile", ErrorKind::usage, "give --min-shapes, --opt-shapes and --max-shapes that fit"},
    {"parse", ErrorKind::unsupported, ""},
    {"build", ErrorKind::unsupported, ""},
    {"raised", ErrorKind::internal, kSaysMore},
    {"no_gpu", ErrorKind::resource,
     "run it on a machine that has one of NVIDIA's GPUs and its driver: engines are built without "
     "a GPU, but run only with one"},
    {"version", ErrorKind::resource,
     "name an interpreter that has this release with --python, or build the engine again with the "
     "one that is there"},
    {"architecture", ErrorKind::resource,
     "build it again for this GPU, with TensorRT-RTX by --compute-capability"},
    {"engine", ErrorKind::resource,
     "build it again with this release, for this GPU; TensorRT-RTX takes --compute-capability",
     true},
    {"gpu_memory", ErrorKind::resource,
     "free memory of the GPU, or build the engine for smaller largest shapes", true},
    {"cuda", ErrorKind::resource, kSaysMore, true},
    {"binding", ErrorKind::bad_file, "build the engine again with tenon build"},
    {"run", ErrorKind::internal, kSaysMore, true},
    {"graph", ErrorKind::unsupported, "leave --cuda-graph out", true},
};

}  // namespace

std::string Module::title() const {
  return fmt::format("{} {}", is_rtx() ? "TensorRT-RTX" : "TensorRT", version);
}

Result<Told> ask(const Python& python, Json request, const Question& question) {
  Told told;
  request["modules"] = python.modules;
  const std::string program = child_program();
  auto end = run_child({.words = {python.interpreter, "-c", program},
                        .input = request.dump(),
                        .line = [&](std::string_view line) { take_line(line, question, told); },
                        .time_limit = question.limits.time,
                        .memory_limit = question.limits.memory});
  if (!end) {
    end.error().what = "cannot start Python, which TensorRT works in";
    end.error().hint = "name an interpreter that has the module tensorrt with --python";
    return fail(std::move(end).error());
  }
  told.end = std::move(*end);
  return told;
}

Error failure(const Told& told, const Task& task, const Python& python, const ChildLimits& limits) {
  if (told.refusal.empty()) return ended(told, task, limits);
  Error error{.kind = ErrorKind::internal,
              .what = task.failed,
              .where = {.file = task.file},
              .why = told.why};
  for (const RefusalKind& row : kRefusals) {
    if (row.name != told.refusal) continue;
    error.kind = row.kind;
    error.hint = row.hint;
    if (row.explained && !told.errors.empty())
      error.why += ": " + plain_message(told.errors.back());
  }
  if (told.refusal == "missing_module" || told.refusal == "broken_module") {
    error.what = "there is no TensorRT to work with";
    error.where.file = python.interpreter;
  }
  return error;
}

void add_messages(Error& error, const std::vector<std::string>& messages) {
  constexpr size_t kShown = 40;
  const size_t first = messages.size() > kShown ? messages.size() - kShown : 0;
  for (size_t i = first; i < messages.size(); ++i)
    error.details.push_back({.kind = error.kind, .what = "TensorRT: " + messages[i]});
}

}  // namespace tenon::tensorrt
