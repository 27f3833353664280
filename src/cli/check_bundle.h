// tenon check BUNDLE --results: what another machine's verify.py found.
#pragma once

#include "cli/command.h"

namespace tenon::cli {

Status check_bundle(const std::string& folder, const std::string& results, const Globals& globals);

}  // namespace tenon::cli
