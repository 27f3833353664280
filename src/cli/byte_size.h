// Amounts of memory as the command line writes them: "512M", "2G"; a number without a unit is MiB,
// as in trtexec.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace tenon::cli {

Result<uint64_t> parse_bytes(const std::string& text, const std::string& option);

}  // namespace tenon::cli
