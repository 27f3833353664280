// Zip archives: every entry that opens is read, unchecked and checked.
#include "archive/zip.h"
#include "fuzz/input.h"

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto zip = archive::ZipReader::open(fuzz::input(data, size), "fuzz.zip");
  if (!zip) return 0;
  for (const archive::ZipEntry& entry : zip->entries()) {
    if (const auto blob = zip->read(entry, archive::Verify::never)) {
      if (blob->size != entry.size) __builtin_trap();
      volatile char sum = 0;
      for (const char c : blob->text()) sum = static_cast<char>(sum + c);
    }
    (void)zip->read(entry, archive::Verify::always);
  }
  return 0;
}
