#include "cli/waiting.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace tenon::cli {

void wait_briefly(char** argv) {
  if (argv[0] == nullptr || argv[1] == nullptr) return;
  const std::string_view command = argv[1];
  if (command != "run" && command != "bench" && command != "check" && command != "build") return;
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (setenv("GOMP_SPINCOUNT", "1000", 0) != 0) return;
  execv("/proc/self/exe", argv);  // comes back only where it cannot, and then all is as it was
}

}  // namespace tenon::cli
