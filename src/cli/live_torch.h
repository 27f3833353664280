// PyTorch's outputs, computed by PyTorch itself in a Python process of its own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "archive/npy.h"
#include "base/error.h"

namespace tenon::cli {

struct LiveRequest {
  std::string python = "python3";  // an interpreter that has PyTorch and NumPy
  std::string model;               // a TorchScript file or an exported program
  std::string method = "forward";
  std::map<std::string, std::string> settings = {};  // Python arguments that are no tensors
  std::vector<NamedTensor> inputs;                   // in the order of the method's arguments
};

struct LiveOutputs {
  std::string version;  // of PyTorch: "2.15.0"
  std::vector<Tensor> tensors;
};

// Loads and runs the model in Python, which takes whatever loading there takes: only for files that
// the user trusts.
Result<LiveOutputs> run_in_torch(const LiveRequest& request);

}  // namespace tenon::cli
