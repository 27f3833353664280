// Which Python line each byte of a TorchScript code file came from, as its .debug_pkl tells.
// Format: torch/csrc/jit/serialization/source_range_serialization.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/pickle.h"
#include "base/error.h"

namespace tenon::archive {

struct SourceFrame {
  std::string file;
  int line = 0;
  std::string function;
  bool operator==(const SourceFrame&) const = default;
};

class SourceRanges {
 public:
  static Result<SourceRanges> parse(const Blob& debug_pkl, const Where& where);

  // The Python frames of the code at this byte offset, innermost first; empty where nothing is
  // known. A scripted function has one frame. A traced one has its call stack, without PyTorch's
  // own frames around it (Module.__call__ and the tracer).
  const std::vector<SourceFrame>& frames(size_t offset) const;

 private:
  struct Range {
    size_t offset = 0;
    uint32_t order = 0;   // of writing: of ranges at one offset the last counts
    uint32_t frames = 0;  // index into stacks_
  };
  std::vector<Range> ranges_;  // by offset and order
  std::vector<std::vector<SourceFrame>> stacks_{1};
};

}  // namespace tenon::archive
