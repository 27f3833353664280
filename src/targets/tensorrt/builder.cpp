#include "targets/tensorrt/builder.h"

#include <fmt/format.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "base/child_process.h"
#include "base/error.h"

namespace tenon::tensorrt {

extern const std::string_view builder_script;

namespace {

using Json = nlohmann::json;

constexpr const char* kInstall =
    "install it with: pip install tensorrt (a GPU must be there), or pip install "
    "tensorrt-rtx-cu13-libs "
    "tensorrt-rtx-cu13-bindings (builds without one); --python names the interpreter";

std::vector<int64_t> integers(const Json& from) {
  std::vector<int64_t> out;
  for (const Json& value : from) out.push_back(value.get<int64_t>());
  return out;
}

NetworkTensor tensor_of(const Json& from) {
  NetworkTensor out{.name = from.at("name"), .dtype = from.at("dtype"), .shape = {}};
  if (from.at("shape").is_array()) out.shape = integers(from.at("shape"));
  return out;
}

std::vector<NetworkTensor> tensors_of(const Json& from) {
  std::vector<NetworkTensor> out;
  for (const Json& tensor : from) out.push_back(tensor_of(tensor));
  return out;
}

Network network_of(const Json& event) {
  Network out{.inputs = tensors_of(event.at("inputs")),
              .outputs = tensors_of(event.at("outputs")),
              .layers = {}};
  for (const Json& layer : event.at("layers"))
    out.layers.push_back({layer.at("name"), layer.at("type"), tensors_of(layer.at("outputs"))});
  return out;
}

// What the child has told so far.
struct Told {
  BuildReport report;
  bool has_module = false, done = false;
  std::string refusal, why;  // a kind and the reason
  std::string unreadable;    // the first line that is no event
};

void take_log(const Json& event, BuildReport& report) {
  const std::string severity = event.at("severity"), text = event.at("text");
  if (severity == "warning") report.warnings.push_back(text);
  if (severity == "error" || severity == "internal_error") report.errors.push_back(text);
}

void take_event(const Json& event, const BuildRequest& request, Told& told) {
  const std::string kind = event.at("event");
  BuildReport& report = told.report;
  if (kind == "module") {
    report.module = {event.at("name"), event.at("version"), event.at("python"), event.at("typed")};
    told.has_module = true;
  } else if (kind == "log") {
    take_log(event, report);
  } else if (kind == "progress") {
    if (request.progress) request.progress(event.at("share"), event.at("phase").get<std::string>());
  } else if (kind == "parse_error") {
    report.parse_errors.push_back({.text = event.at("text"),
                                   .node = event.value("node", ""),
                                   .op = event.value("operator", ""),
                                   .function = event.value("function", ""),
                                   .index = event.at("index")});
  } else if (kind == "network") {
    report.network = network_of(event);
  } else if (kind == "typed_by_layers") {
    report.untyped = event.at("left").get<std::vector<std::string>>();
  } else if (kind == "built") {
    report.engine_bytes = event.at("bytes");
    report.seconds = event.at("seconds");
  } else if (kind == "refused") {
    told.refusal = event.at("kind");
    told.why = event.at("why");
  } else if (kind == "done") {
    told.done = true;
  }
}

void take_line(std::string_view line, const BuildRequest& request, Told& told) {
  try {
    take_event(Json::parse(line), request, told);
  } catch (const Json::exception&) {
    if (told.unreadable.empty()) told.unreadable = line.substr(0, 200);
  }
}

Json sizes(const Profile& profile) {
  Json out = Json::object();
  for (const ProfileShape& shape : profile)
    out[shape.input] = {{"min", shape.min}, {"opt", shape.opt}, {"max", shape.max}};
  return out;
}

Json as_json(const BuildRequest& request) {
  Json out = {{"command", "build"},
              {"model", request.model},
              {"engine", request.engine},
              {"profiles", Json::array()},
              {"tensor_types", Json::object()},
              {"tf32", request.tf32},
              {"flags", request.flags},
              {"compute_capabilities", request.compute_capabilities},
              {"memory_pools", request.memory_pools},
              {"plugins", request.plugins},
              {"verbose", request.verbose}};
  for (const Profile& profile : request.profiles) {
    if (!profile.empty()) out["profiles"].push_back(sizes(profile));
  }
  for (const auto& [name, dtype] : request.tensor_types)
    out["tensor_types"][name] = std::string(tenon::name(dtype));
  for (const auto& [name, value] : request.settings) out[name] = value;
  if (!request.profiling_verbosity.empty())
    out["profiling_verbosity"] = request.profiling_verbosity;
  if (!request.timing_cache.empty()) out["timing_cache"] = request.timing_cache;
  return out;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const size_t at = text.rfind('\n');
  return std::string(at == std::string_view::npos ? text : text.substr(at + 1));
}

std::string megabytes(uint64_t bytes) { return fmt::format("{} MB", bytes >> 20); }

// Why the child ended otherwise than by its own word.
Error ended(const ChildEnd& end, const Told& told, const BuildRequest& request) {
  using Reason = ChildEnd::Reason;
  Error error{.kind = ErrorKind::resource,
              .what = "TensorRT built no engine",
              .where = {.file = request.model}};
  switch (end.reason) {
    case Reason::out_of_time:
      error.why = fmt::format("it took longer than {:.0f} s",
                              std::chrono::duration<double>(request.time_limit).count());
      error.hint = "allow more with --time-limit, or less work with --builder-optimization-level";
      return error;
    case Reason::out_of_memory:
      error.why = fmt::format("it took more than {} of memory", megabytes(request.memory_limit));
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
  if (!told.report.errors.empty())
    error.why += "; TensorRT's last message: " + told.report.errors.back();
  else if (!said.empty())
    error.why += "; its last words: " + said;
  return error;
}

struct RefusalKind {
  std::string_view name;
  ErrorKind kind;
  std::string_view hint;
};
constexpr RefusalKind kRefusals[] = {
    {"missing_module", ErrorKind::resource, kInstall},
    {"broken_module", ErrorKind::resource, kInstall},
    {"memory", ErrorKind::resource, "give smaller largest shapes"},
    {"write", ErrorKind::resource, "free some space or choose another path"},
    {"flag", ErrorKind::unsupported, "leave the option out, or use a release that has it"},
    {"capability", ErrorKind::usage, "choose one of these with --compute-capability"},
    {"profile", ErrorKind::usage, "give --min-shapes, --opt-shapes and --max-shapes that fit"},
    {"parse", ErrorKind::unsupported, ""},
    {"build", ErrorKind::unsupported, ""},
    {"raised", ErrorKind::internal, "run the same with -v, and see what TensorRT says"},
};

Error refused(const Told& told, const BuildRequest& request, const Python& python) {
  Error error{.kind = ErrorKind::internal,
              .what = "TensorRT built no engine",
              .where = {.file = request.model},
              .why = told.why};
  for (const RefusalKind& row : kRefusals) {
    if (row.name != told.refusal) continue;
    error.kind = row.kind;
    error.hint = row.hint;
  }
  if (told.refusal == "missing_module" || told.refusal == "broken_module") {
    error.what = "there is no TensorRT to build with";
    error.where.file = python.interpreter;
  }
  return error;
}

Result<std::pair<Told, ChildEnd>> ask(const Python& python, Json message,
                                      const BuildRequest& request) {
  Told told;
  message["modules"] = python.modules;
  auto end = run_child({.words = {python.interpreter, "-c", std::string(builder_script)},
                        .input = message.dump(),
                        .line = [&](std::string_view line) { take_line(line, request, told); },
                        .time_limit = request.time_limit,
                        .memory_limit = request.memory_limit});
  if (!end) {
    end.error().what = "cannot start Python, which TensorRT is built with";
    end.error().hint = "name an interpreter that has the module tensorrt with --python";
    return fail(std::move(end).error());
  }
  return std::pair(std::move(told), std::move(*end));
}

}  // namespace

std::string Module::title() const {
  return fmt::format("{} {}", is_rtx() ? "TensorRT-RTX" : "TensorRT", version);
}

Result<Module> probe(const Python& python) {
  const BuildRequest none;
  const auto [told, end] = TRY(ask(python, {{"command", "probe"}}, none));
  if (!told.refusal.empty()) return fail(refused(told, none, python));
  if (!told.done || !told.has_module) return fail(ended(end, told, none));
  return told.report.module;
}

Result<BuildReport> build(const Python& python, const BuildRequest& request) {
  auto [told, end] = TRY(ask(python, as_json(request), request));
  told.report.peak_memory = end.peak_memory;
  if (!told.refusal.empty())
    told.report.failure = refused(told, request, python);
  else if (!told.done || !end.good())
    told.report.failure = ended(end, told, request);
  if (told.report.failure && !told.has_module) return fail(std::move(*told.report.failure));
  return std::move(told.report);
}

}  // namespace tenon::tensorrt
