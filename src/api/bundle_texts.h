// The texts of a deployment bundle.
#pragma once

#include "api/bundle.h"
#include "targets/tensorrt/trtexec_command.h"

namespace tenon::api {

// build.sh: trtexec with these words; `bisect` builds the second engine too.
std::string build_script(const Bundle& bundle, const std::vector<std::string>& words);
// verify.py, which needs TensorRT's Python module and NumPy.
std::string verify_script();
std::string bundle_readme(const Bundle& bundle, const std::vector<std::string>& words,
                          const tensorrt::Release& release);
// config.pbtxt of NVIDIA's Triton Inference Server.
std::string triton_config(const std::string& model, const ir::Graph& typed,
                          const std::vector<tensorrt::Profile>& profiles);

}  // namespace tenon::api
