// The Python that Tenon brings along, put together from its parts.
#pragma once

#include <string>

namespace tenon::tensorrt {

// What the child process runs: child.py, cuda.py, runner.py.
std::string child_program();
// verify.py of a deployment bundle: the same parts, and what it does with them.
std::string verify_program();

}  // namespace tenon::tensorrt
