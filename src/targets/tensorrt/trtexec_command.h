// The command line of NVIDIA's own trtexec that builds an engine as Tenon would, release by
// release.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "targets/tensorrt/profile.h"
#include "targets/tensorrt/release.h"

namespace tenon::tensorrt {

struct TrtexecBuild {
  Release release;
  std::string model = "model.onnx", engine = "model.engine";
  std::vector<Profile> profiles = {};
  DType precision = DType::f32;
  bool tf32 = false;
  // Nodes that stay in fp32 in a model of another precision; they are told to releases whose
  // networks have no types of their own.
  std::vector<std::string> fp32_nodes = {};
  std::map<std::string, uint64_t> memory_pools = {};  // bytes, "WORKSPACE"
  std::optional<int> dla_core = {};
};

// The words after "trtexec". Fails where the release's trtexec cannot be told what is asked.
Result<std::vector<std::string>> trtexec_words(const TrtexecBuild& build);

// A word as a POSIX shell takes it.
std::string shell_quoted(const std::string& word);

}  // namespace tenon::tensorrt
