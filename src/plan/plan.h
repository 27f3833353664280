// Plan files (.tenon): a canonical graph with its weights, and what the CPU engine prepared for it.
//
//   offset 0   magic "TENONPLN", format version (u32), zero (u32),
//              header offset and size (u64, u64), checksum of the header (u64), file size (u64)
//   offset 64  blobs, each 64-byte aligned
//   at the end the header: FlatBuffers, schema plan.fbs; it names every blob by offset, size and
//              checksum
//
// Reading maps the file: weights stay where they are. Nothing read is trusted: the header's
// checksum and structure are verified, the graph is rebuilt through the IR's own checks and its
// types are inferred again, and blobs are checked against their checksums.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "ir/op.h"

namespace tenon::plan {

inline constexpr uint32_t kFormatVersion = 1;

// A constant in a kernel's own format, under a key that names all that its bytes depend on.
struct PackedBlob {
  std::string constant;
  std::string key;
  std::shared_ptr<const std::byte> data;
  size_t bytes = 0;
};

struct Contents {
  std::unique_ptr<ir::Graph> graph;
  // What the packed blobs depend on, all together.
  std::string library;  // "oneDNN 2.6.3"
  std::string isa;
  int threads = 1;
  std::vector<std::string> disabled;
  std::map<std::string, std::string, std::less<>> tactics;
  std::vector<PackedBlob> packed;
};

struct View {
  const ir::Graph& graph;
  std::string library, isa;
  int threads = 1;
  std::vector<std::string> disabled;
  const std::map<std::string, std::string, std::less<>>& tactics;
  std::vector<PackedBlob> packed;
};

// Leaves nothing at `path` on failure.
Status write(const std::string& path, const View& view);

struct ReadOptions {
  int threads = 1;  // that verify checksums
  bool verify_blobs = true;
};
Result<Contents> read(const MappedFile& file, const ir::OpSet& ops,
                      const ReadOptions& options = {});
// The same of bytes in memory; `owner` keeps them alive.
Result<Contents> read(std::span<const std::byte> bytes, std::shared_ptr<const std::byte> owner,
                      const ir::OpSet& ops, const ReadOptions& options = {});

// True where the file begins as a plan does.
bool is_plan(std::span<const std::byte> bytes);

}  // namespace tenon::plan
