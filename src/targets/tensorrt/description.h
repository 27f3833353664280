// The small JSON file beside an engine, ENGINE.json: what the engine is, and for which machine. An
// engine itself says none of that to anybody but the TensorRT that built it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "targets/tensorrt/profile.h"

namespace tenon::tensorrt {

struct Binding {
  std::string name;
  DType dtype = DType::undefined;
  std::vector<std::string> shape;  // "3", "batch"
};

// An output that has as many rows along an axis as there can be. How many there are is the value of
// another output, and those after them are zeros.
struct PaddedOutput {
  std::string output;
  int64_t axis = 0;
  std::string count;
};

struct Description {
  std::string tenon;            // the version that wrote it
  std::string module, version;  // "tensorrt_rtx_bindings", "1.7.1.116"
  std::string target;           // as it was asked for: "tensorrt-rtx"
  std::string model;            // the file's name, without its folder
  std::string model_digest;     // of the graph that TensorRT was given
  std::string options;          // whatever else the engine depends on, as text
  std::string key() const;      // of the two together: the same key, the same engine
  std::string precision;        // "fp32"
  bool tf32 = false;
  int opset = 0;
  std::vector<Binding> inputs, outputs;
  std::vector<PaddedOutput> padded;  // the outputs that count are the last ones
  std::vector<Profile> profiles;
  // GPUs that it was built for: compute capabilities, or empty where TensorRT chose them.
  std::vector<std::string> compute_capabilities;
  std::string gpu;  // the one that it was built on; empty where there was none
  // How its types were checked, how its outputs were.
  std::string types, verification;
  uint64_t engine_bytes = 0;
  std::string engine_hash;
};

std::string description_path(const std::string& engine);  // ENGINE.json

std::string to_json(const Description& description);
Result<Description> parse_description(std::string_view text, const std::string& file);
// Fails where the engine has no description, or another engine's.
Result<Description> read_description(const std::string& engine);

// What engine_hash is of a file's bytes.
std::string hash_of(std::span<const std::byte> bytes);

}  // namespace tenon::tensorrt
