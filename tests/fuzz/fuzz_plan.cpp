// The reader of plans: whatever the header says, with checksums that are right.
#include <cstdlib>
#include <cstring>

#include "ops/tables.h"
#include "plan/checksum.h"
#include "plan/format.h"
#include "plan/plan.h"

// The input is a plan's header; the file around it is made here, so that the fuzzer need not guess
// checksums.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenon::plan;
  static const tenon::ir::OpSet ops(tenon::ops::op_table());
  constexpr size_t kBlobs = 4096;
  const size_t total = kPrologue + kBlobs + size;
  std::shared_ptr<std::byte> memory(
      static_cast<std::byte*>(std::aligned_alloc(64, (total + 127) / 64 * 64)), std::free);
  std::memset(memory.get(), 0, kPrologue + kBlobs);
  if (size > 0) std::memcpy(memory.get() + kPrologue + kBlobs, data, size);
  Prologue prologue;
  std::memcpy(prologue.magic, kMagic.data(), sizeof prologue.magic);
  prologue.version = kFormatVersion;
  prologue.header_offset = kPrologue + kBlobs;
  prologue.header_size = size;
  prologue.header_checksum = checksum({memory.get() + prologue.header_offset, size});
  prologue.file_size = total;
  prologue.own_checksum = checksum(prologue_bytes(prologue));
  std::memcpy(memory.get(), &prologue, sizeof prologue);
  (void)read({memory.get(), total}, memory, ops, {.threads = 1, .verify_blobs = false});
  return 0;
}
