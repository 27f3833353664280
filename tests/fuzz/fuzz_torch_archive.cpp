// PyTorch's containers: the program's parts, and every tensor at the top of data.pkl and the
// constants.
#include "archive/source_ranges.h"
#include "archive/torch_archive.h"
#include "fuzz/input.h"

using namespace tenon;

namespace {

void read_tensors(const archive::TorchArchive& archive, const pickle::Value& value,
                  std::string_view storages) {
  for (const pickle::Value* part : {&value, value.state}) {
    if (part == nullptr) continue;
    for (const pickle::Value* item : part->items) {
      if (!archive::is_tensor(*item)) continue;
      if (const auto tensor = archive.tensor(*item, storages))
        (void)archive::materialize(*tensor, archive.where("x"));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto zip = archive::ZipReader::open(fuzz::input(data, size), "fuzz.pt");
  if (!zip) return 0;
  const auto archive = archive::TorchArchive::open(std::move(*zip));
  if (!archive) return 0;
  (void)archive->is_torchscript();
  for (const std::string& name : archive->list("", ".pkl")) {
    if (const auto pickle = archive->pickled(name))
      read_tensors(*archive, pickle->root(), name == "data.pkl" ? "data" : "constants");
  }
  for (const std::string& name : archive->list("code/", ".debug_pkl")) {
    if (const auto bytes = archive->read(name, archive::Verify::never))
      (void)archive::SourceRanges::parse(*bytes, archive->where(name));
  }
  return 0;
}
