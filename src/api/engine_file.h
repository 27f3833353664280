// Engines of TensorRT's as files that can run: told from models and plans, described, and the
// inputs of a run checked, all without loading them.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/shape_spec.h"
#include "targets/tensorrt/description.h"

namespace tenon::api {

// By its extension (.engine, .plan, .trt), unless it is a plan of the CPU engine, or by the
// description beside it.
bool is_engine(const std::string& path);

struct EngineFile {
  std::string path;
  tensorrt::Description about;
  // The inputs alone, with a symbol for every dynamic size, its range the hull of the profiles'.
  std::unique_ptr<ir::Graph> inputs;
};
// Reads the description, and fails where there is none or where it is another engine's.
Result<EngineFile> open_engine(const std::string& path);

// The profile that inputs in the order of the description fit: one that is best at them, else the
// first. Fails with what is out of range in every profile.
Result<size_t> fitting_profile(const EngineFile& engine, std::span<const Tensor> inputs);

// The engine's inputs as specs for the model to be read with: by position, with the profiles'
// ranges.
Result<std::vector<InputSpec>> ranges_of(const tensorrt::Description& about);

}  // namespace tenon::api
