// Pickles, and all that reads their values: printing, tensors, source ranges.
#include "archive/pickle.h"
#include "archive/source_ranges.h"
#include "archive/stored_tensor.h"
#include "archive/torch_archive.h"
#include "fuzz/input.h"

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const archive::Blob bytes = fuzz::input(data, size);
  const auto parsed = pickle::Pickle::parse(bytes, {.file = "fuzz.pkl"});
  if (!parsed) return 0;
  const pickle::Value& root = parsed->root();
  (void)pickle::print(root, 1000);
  (void)root.qualified_name();
  (void)root.get("x");
  (void)archive::untagged(root);
  if (auto tensor = archive::describe_tensor(root, {.file = "fuzz.pkl"})) {
    tensor->storage = bytes;
    (void)archive::materialize(*tensor, {.file = "fuzz.pkl"});
  }
  if (const auto ranges = archive::SourceRanges::parse(bytes, {.file = "fuzz.pkl"})) {
    for (size_t offset = 0; offset < 200; offset += 50) (void)ranges->frames(offset);
  }
  return 0;
}
