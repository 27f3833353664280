// The JSON of exported programs.
#include <string_view>

#include "torch/exported/program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)tenon::torch::exported::parse_program(text, {.file = "fuzz.pt2"});
  return 0;
}
