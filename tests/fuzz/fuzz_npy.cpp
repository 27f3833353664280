// NumPy arrays, alone and in archives.
#include "archive/npy.h"
#include "fuzz/input.h"

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const archive::Blob bytes = fuzz::input(data, size);
  if (const auto tensor = archive::parse_npy(bytes, {.file = "fuzz.npy"})) {
    volatile char sum = 0;
    for (const std::byte b : tensor->bytes()) sum = static_cast<char>(sum + static_cast<char>(b));
  }
  (void)archive::parse_npz(bytes, "fuzz.npz");
  return 0;
}
