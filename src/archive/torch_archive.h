// The container that torch.jit.save and torch.save write: a zip archive with one folder at its top.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/stored_tensor.h"
#include "archive/zip.h"

namespace tenon::archive {

class TorchArchive {
 public:
  static Result<TorchArchive> open(const std::string& path);
  static Result<TorchArchive> open(ZipReader zip);

  const std::string& path() const { return zip_.path(); }
  const ZipReader& zip() const { return zip_; }
  const std::string& folder() const { return folder_; }  // the top-level folder, without slash
  // The file format's version, from the entry `version` (or `.data/version`); 0 where there is
  // none.
  int64_t version() const { return version_; }
  bool big_endian() const { return big_endian_; }

  // Entries are named relative to the top-level folder: "data.pkl", "code/__torch__.py".
  bool has(std::string_view name) const;
  Result<Blob> read(std::string_view name, Verify verify = Verify::automatic) const;
  // Names that start and end so, sorted.
  std::vector<std::string> list(std::string_view prefix, std::string_view suffix = "") const;
  Where where(std::string_view name) const { return {.file = path(), .node = std::string(name)}; }

  // Reads and interprets a pickle; refuses one that names functions that run commands or code.
  Result<pickle::Pickle> pickled(std::string_view name) const;
  // The same for the pickles of a TorchScript program, "data.pkl", "constants.pkl",
  // "traced_inputs.pkl": nothing but PyTorch's own classes and the program's.
  Result<pickle::Pickle> pickled_program(std::string_view name) const;
  // Finds the storage that the tensor lies in: entry "<storages>/<key>". Data.pkl's storages are in
  // "data", those of constants.pkl in "constants", of traced_inputs.pkl in "traced_inputs".
  Result<StoredTensor> tensor(const pickle::Value& value, std::string_view storages = "data") const;

  // Whether the archive holds a TorchScript program.
  bool is_torchscript() const;
  // The constants table of a TorchScript program, in order: values may be tensors or anything else.
  // Empty where the archive has none.
  Result<std::optional<pickle::Pickle>> constants() const;

 private:
  explicit TorchArchive(ZipReader zip) : zip_(std::move(zip)) {}

  ZipReader zip_;
  std::string folder_;
  int64_t version_ = 0;
  bool big_endian_ = false;
};

// TorchScript pickles wrap typed lists and dicts in calls: torch.jit._pickle.build_intlist([..]),
// build_tensorlist, build_doublelist, build_boollist, restore_type_tag(value, type). Returns the
// value inside; `type` gets the outermost tag, such as "Dict[str, Tensor]" or "List[int]".
const pickle::Value& untagged(const pickle::Value& value, std::string* type = nullptr);

}  // namespace tenon::archive
