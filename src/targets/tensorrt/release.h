// The releases of TensorRT: how they are named on the command line, and what each is able to do.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "tenon/error.h"

namespace tenon::tensorrt {

enum class Family { tensorrt, rtx };

struct Version {
  int major = 0, minor = 0, patch = 0;
  auto operator<=>(const Version&) const = default;
  std::string str() const;  // "8.5.2"; "10.3" where the patch is 0
};

// Up to four numbers, of which the last, the build, does not count; nothing where it is no version.
std::optional<Version> parse_version(std::string_view text);

struct Release {
  Family family = Family::tensorrt;
  Version version;
  std::string jetpack = {};  // "5.1" where the release was named by its JetPack
};

// The word after --target: "tensorrt" (the newest known), "tensorrt:8.5.2", "tensorrt-rtx:1.7",
// "jetpack5.1".
Result<Release> parse_release(std::string_view target);
// Whether the word means a TensorRT at all, known or not.
bool names_tensorrt(std::string_view target);

// "TensorRT 8.5.2 (JetPack 5.1)"; says so where the release is not known itself, and another's
// tables stand for it.
std::string name(const Release& release);

struct Abilities {
  int newest_opset = 0;         // that its ONNX parser takes
  bool strongly_typed = false;  // networks whose tensors keep the types that the model says
  bool weakly_typed = true;     // networks in which TensorRT chooses types
  bool precision_flags = true;  // the builder's FP16, BF16 and INT8
  bool calibration = true;      // of INT8 without quantisation nodes in the model
  bool int64 = false;           // a type of its own; elsewhere int64 becomes int32
  bool bf16 = false, fp8 = false, int4 = false, fp4 = false;
  bool uint8 = false;  // as inputs and outputs of the network
  bool dla = false;
};
Abilities abilities(const Release& release);

}  // namespace tenon::tensorrt
