// Operators that meant something else in older files. PyTorch numbers the meanings by the version
// of the archive (torch/csrc/jit/operator_upgraders/version_map.h).
#pragma once

#include "torch/machine.h"

namespace tenon::torch {

// Changes the arguments of a call in a file of this version so that today's operator computes what
// the operator computed then.
Status upgrade_call(Machine& m, int64_t version, const std::string& op,
                    std::vector<Value>& arguments,
                    std::vector<std::pair<std::string, Value>>& keywords);

}  // namespace tenon::torch
