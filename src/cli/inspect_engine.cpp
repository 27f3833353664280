#include "cli/inspect_engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/engine_file.h"
#include "cli/summary.h"

namespace tenon::cli {
namespace {

std::string bindings_text(std::string_view title, const std::vector<tensorrt::Binding>& bindings) {
  size_t width = 0;
  for (const tensorrt::Binding& binding : bindings) width = std::max(width, binding.name.size());
  std::string out = fmt::format("{}\n", title);
  for (const tensorrt::Binding& binding : bindings) {
    out += fmt::format("  {:<{}}  {}[{}]\n", binding.name, width, name(binding.dtype),
                       fmt::join(binding.shape, ", "));
  }
  return out;
}

std::string profile_text(size_t number, const tensorrt::Profile& profile) {
  std::string out;
  for (const tensorrt::ProfileShape& shape : profile) {
    out += fmt::format("  {}  {}: {} to {}, best at {}\n", number, shape.input,
                       fmt::join(shape.min, "x"), fmt::join(shape.max, "x"),
                       fmt::join(shape.opt, "x"));
  }
  return out;
}

void print_description(const std::string& file, const tensorrt::Description& about) {
  fmt::print("{}: an engine of {} {}, {}\n", file,
             about.module.starts_with("tensorrt_rtx") ? "TensorRT-RTX" : "TensorRT", about.version,
             megabytes(about.engine_bytes));
  fmt::print("{}{}", bindings_text("inputs", about.inputs),
             bindings_text("outputs", about.outputs));
  for (const tensorrt::PaddedOutput& one : about.padded)
    fmt::print("  of {}, {} says how many count along axis {}\n", one.output, one.count, one.axis);
  std::string profiles;
  for (size_t i = 0; i < about.profiles.size(); ++i) profiles += profile_text(i, about.profiles[i]);
  if (!profiles.empty()) fmt::print("profiles\n{}", profiles);
  fmt::print("built from {} (graph {}) by tenon {} as {}, opset {}; key {}\n", about.model,
             about.model_digest, about.tenon, about.target, about.opset, about.key());
  fmt::print("precision: {}{}\n", about.precision, about.tf32 ? ", TF32 allowed" : "");
  if (!about.compute_capabilities.empty())
    fmt::print("for GPUs of compute capability {}\n", fmt::join(about.compute_capabilities, ", "));
  if (!about.gpu.empty()) fmt::print("built on {}\n", about.gpu);
  fmt::print("types: {}\nverification: {}\n", about.types, about.verification);
}

}  // namespace

Status inspect_engine(const std::string& file, const Globals& globals) {
  const api::EngineFile engine = TRY(api::open_engine(file));
  if (globals.json) {
    Json report = {{"file", file}, {"kind", "an engine of TensorRT's"}};
    report.update(Json::parse(tensorrt::to_json(engine.about)));
    fmt::print("{}\n", report.dump(2));
  } else if (!globals.quiet) {
    print_description(file, engine.about);
  }
  return {};
}

}  // namespace tenon::cli
