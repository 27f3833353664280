// Errors as values. Every error says what failed, where, why, and what to try.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace tenon {

// What an error means to the caller; the command line turns it into its exit status.
enum class ErrorKind {
  negative,     // the honest answer is no: a check diverged, a gate failed      (exit 1)
  usage,        // bad arguments or inputs                                        (exit 2)
  bad_file,     // a file that is damaged, or not what it was taken for           (exit 2)
  unsupported,  // the model needs something that the target or opset lacks       (exit 3)
  resource,     // no memory, no device, no disk                                  (exit 4)
  internal,     // a fault of Tenon itself                                        (exit 4)
};

// One place in a program; empty parts are not known.
struct Where {
  std::string file;    // path of the file
  std::string node;    // node or entry inside it
  std::string module;  // module path, "layer1.0.conv1"
  std::string source;  // Python line, "resnet.py:94"
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string what;  // "cannot read model.pt"
  Where where = {};
  std::string why = {};             // "entry data.pkl is cut short: 12 of 84 bytes"
  std::string hint = {};            // "save the model again with torch.jit.save"
  std::vector<Error> details = {};  // further problems found in the same go

  // The whole error as the block that is shown to a person; lines end in '\n'.
  std::string message() const;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

}  // namespace tenon
