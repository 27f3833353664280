#include "targets/tensorrt/builder.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "targets/tensorrt/profile_json.h"

namespace tenon::tensorrt {
namespace {

using Json = nlohmann::json;

NetworkTensor tensor_of(const Json& from) {
  NetworkTensor out{.name = from.at("name"), .dtype = from.at("dtype"), .shape = {}};
  if (from.at("shape").is_array()) out.shape = from.at("shape").get<std::vector<int64_t>>();
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

void take_event(const Json& event, BuildReport& report) {
  const std::string kind = event.at("event");
  if (kind == "parse_error") {
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
  }
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
    if (!profile.empty()) out["profiles"].push_back(Json(profile_json(profile)));
  }
  for (const auto& [name, dtype] : request.tensor_types)
    out["tensor_types"][name] = std::string(tenon::name(dtype));
  for (const auto& [name, value] : request.settings) out[name] = value;
  if (!request.profiling_verbosity.empty())
    out["profiling_verbosity"] = request.profiling_verbosity;
  if (request.dla_core) {
    out["dla_core"] = request.dla_core->core;
    out["gpu_fallback"] = request.dla_core->gpu_fallback;
  }
  if (!request.timing_cache.empty()) out["timing_cache"] = request.timing_cache;
  return out;
}

Task task_of(const BuildRequest& request) {
  return {.failed = "TensorRT built no engine",
          .file = request.model,
          .smaller_work = "--builder-optimization-level"};
}

}  // namespace

Result<Module> probe(const Python& python) {
  const Told told = TRY(ask(python, {{"command", "probe"}}, {}));
  if (!told.good() || !told.has_module) return fail(failure(told, task_of({}), python, {}));
  return told.module;
}

Result<BuildReport> build(const Python& python, const BuildRequest& request) {
  BuildReport report;
  Told told = TRY(ask(python, as_json(request),
                      {.event = [&](const Json& event) { take_event(event, report); },
                       .progress = request.progress,
                       .limits = request.limits}));
  report.module = told.module;
  report.warnings = std::move(told.warnings);
  report.errors = told.errors;
  report.messages = told.messages;
  report.peak_memory = told.end.peak_memory;
  if (!told.good()) report.failure = failure(told, task_of(request), python, request.limits);
  if (report.failure && !told.has_module) return fail(std::move(*report.failure));
  return report;
}

}  // namespace tenon::tensorrt
