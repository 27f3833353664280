#include "targets/tensorrt/scripts.h"

#include <fmt/format.h>

#include <string_view>

namespace tenon::tensorrt {

extern const std::string_view child_script, cuda_script, runner_script, verify_script;

std::string child_program() {
  return fmt::format("{}{}{}\n\nsys.exit(main())\n", child_script, cuda_script, runner_script);
}

std::string verify_program() {
  return fmt::format("#!/usr/bin/env python3\n{}{}{}{}\n\nsys.exit(verify_main())\n", child_script,
                     cuda_script, runner_script, verify_script);
}

}  // namespace tenon::tensorrt
