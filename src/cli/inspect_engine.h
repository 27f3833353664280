// tenon inspect of an engine of TensorRT's, which its description is read for.
#pragma once

#include "cli/command.h"

namespace tenon::cli {

Status inspect_engine(const std::string& file, const Globals& globals);

}  // namespace tenon::cli
