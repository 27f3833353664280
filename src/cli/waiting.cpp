#include "cli/waiting.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace tenon::cli {

void wait_briefly(char** argv) {
  if (argv[0] == nullptr || argv[1] == nullptr) return;
  const std::string_view command = argv[1];
  if (command != "run" && command != "bench" && command != "check" && command != "build") return;
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  // Started by a loader or an emulator, the process's file is that, and takes other arguments.
  constexpr const char* kSelf = "/proc/self/exe";
  std::error_code unknown;
  const std::filesystem::path self = std::filesystem::read_symlink(kSelf, unknown);
  if (unknown || self.filename() != std::filesystem::path(argv[0]).filename()) return;
  if (setenv("GOMP_SPINCOUNT", "1000", 0) != 0) return;
  execv(kSelf, argv);  // comes back only where it cannot, and then all is as it was
}

}  // namespace tenon::cli
