#include "targets/tensorrt/release.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "targets/tensorrt/operators.h"

namespace tenon::tensorrt {
namespace {

constexpr Version kOldest{8, 2, 0};
// 11.5 is the newest whose release notes are known (github.com/NVIDIA/TensorRT/releases/tag/v11.5).
constexpr Version kNewest{11, 5, 0};
// The one that the tables were measured on; the family begins with 1.0.
constexpr Version kMeasuredRtx{1, 7, 0};
constexpr Version kOldestRtx{1, 0, 0};

struct JetPack {
  std::string_view name;
  Version tensorrt;
};
// NVIDIA's JetPack archive, developer.nvidia.com/embedded/jetpack-archive.
constexpr std::array kJetPacks = {
    JetPack{"4.6", {8, 0, 1}},   JetPack{"4.6.1", {8, 2, 1}},  JetPack{"4.6.2", {8, 2, 1}},
    JetPack{"4.6.3", {8, 2, 1}}, JetPack{"4.6.4", {8, 2, 1}},  JetPack{"4.6.5", {8, 2, 1}},
    JetPack{"4.6.6", {8, 2, 1}}, JetPack{"5.0", {8, 4, 0}},    JetPack{"5.0.1", {8, 4, 0}},
    JetPack{"5.0.2", {8, 4, 1}}, JetPack{"5.1", {8, 5, 2}},    JetPack{"5.1.1", {8, 5, 2}},
    JetPack{"5.1.2", {8, 5, 2}}, JetPack{"5.1.3", {8, 5, 2}},  JetPack{"5.1.4", {8, 5, 2}},
    JetPack{"5.1.5", {8, 5, 2}}, JetPack{"6.0", {8, 6, 2}},    JetPack{"6.1", {10, 3, 0}},
    JetPack{"6.2", {10, 3, 0}},  JetPack{"6.2.1", {10, 3, 0}}, JetPack{"7.0", {10, 13, 3}},
    JetPack{"7.1", {10, 13, 3}},
};

constexpr std::string_view kTensorrt = "tensorrt", kRtx = "tensorrt-rtx", kJetPack = "jetpack";

std::string known_names() {
  std::vector<std::string> jetpacks;
  for (const JetPack& j : kJetPacks) {
    if (j.tensorrt >= kOldest) jetpacks.push_back(fmt::format("{}{}", kJetPack, j.name));
  }
  return fmt::format(
      "tensorrt, tensorrt:VERSION from {} on, tensorrt-rtx, tensorrt-rtx:VERSION, {}",
      kOldest.str(), fmt::join(jetpacks, ", "));
}

std::unexpected<Error> refuse(std::string_view target, std::string why) {
  return fail({.kind = ErrorKind::usage,
               .what = fmt::format("there is no target '{}'", target),
               .why = std::move(why),
               .hint = "the targets are " + known_names()});
}

Result<Release> numbered(std::string_view target, Family family, std::string_view version) {
  const std::optional<Version> parsed = parse_version(version);
  if (!parsed)
    return refuse(target, fmt::format("'{}' is no version, as 10.3 and 8.5.2 are", version));
  const Version oldest = family == Family::rtx ? kOldestRtx : kOldest;
  if (*parsed < oldest)
    return refuse(target, fmt::format("versions before {} are too old", oldest.str()));
  return Release{.family = family, .version = *parsed};
}

Result<Release> of_jetpack(std::string_view target) {
  const std::string_view asked = target.substr(kJetPack.size());
  const auto found = std::ranges::find(kJetPacks, asked, &JetPack::name);
  if (found == kJetPacks.end())
    return refuse(target, fmt::format("it is not known which TensorRT JetPack '{}' has", asked));
  if (found->tensorrt < kOldest) {
    return refuse(
        target, fmt::format("JetPack {} has TensorRT {}, and versions before {} are too old", asked,
                            found->tensorrt.str(), kOldest.str()));
  }
  return Release{.version = found->tensorrt, .jetpack = std::string(asked)};
}

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
  std::array<int, 4> parts{};  // TensorRT's own versions have a fourth, the build
  size_t count = 0;
  while (count < parts.size()) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), parts.at(count));
    if (error != std::errc{} || parts.at(count) < 0) return std::nullopt;
    ++count;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) return Version{parts[0], parts[1], parts[2]};
    if (text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  return std::nullopt;
}

std::string Version::str() const {
  return patch == 0 ? fmt::format("{}.{}", major, minor)
                    : fmt::format("{}.{}.{}", major, minor, patch);
}

bool names_tensorrt(std::string_view target) {
  return target.starts_with(kTensorrt) || target.starts_with(kJetPack);
}

Result<Release> parse_release(std::string_view target) {
  if (target == kTensorrt) return Release{.version = kNewest};
  if (target == kRtx) return Release{.family = Family::rtx, .version = kMeasuredRtx};
  const auto after = [&](std::string_view family) { return target.substr(family.size() + 1); };
  if (target.starts_with("tensorrt:")) return numbered(target, Family::tensorrt, after(kTensorrt));
  if (target.starts_with("tensorrt-rtx:")) return numbered(target, Family::rtx, after(kRtx));
  if (target.starts_with(kJetPack)) return of_jetpack(target);
  return refuse(target, "no TensorRT goes by that name");
}

std::string name(const Release& release) {
  const bool rtx = release.family == Family::rtx;
  std::string out = fmt::format("{} {}", rtx ? "TensorRT-RTX" : "TensorRT", release.version.str());
  if (!release.jetpack.empty()) out += fmt::format(" (JetPack {})", release.jetpack);
  const auto minor_of = [](Version v) { return Version{v.major, v.minor, 0}; };
  if (rtx && minor_of(release.version) != kMeasuredRtx)
    out += fmt::format(" (judged as {}, the one that is known)", kMeasuredRtx.str());
  else if (!rtx && minor_of(release.version) > kNewest)
    out += fmt::format(" (judged as {}, the newest that is known)", kNewest.str());
  return out;
}

Abilities abilities(const Release& release) {
  Abilities out{.newest_opset = newest_opset(release)};
  if (release.family == Family::rtx) {
    // TensorRT-RTX 1.7.1 itself: its enums have neither precision flags nor calibrators, its one
    // kind of network is strongly typed, its parser keeps INT64 and BF16, and takes UINT8 inputs.
    out.strongly_typed = out.int64 = out.bf16 = out.fp8 = out.int4 = out.fp4 = out.uint8 = true;
    out.weakly_typed = out.precision_flags = out.calibration = false;
    return out;
  }
  const Version& v = release.version;
  // NetworkDefinitionCreationFlag::kSTRONGLY_TYPED, release notes of 10.0; weak typing, the flags
  // and implicit quantisation are gone with 11.0 (its guide "Migrating from TensorRT 10.x
  // to 11.x").
  out.strongly_typed = v >= Version{10, 0, 0};
  out.weakly_typed = out.precision_flags = out.calibration = v < Version{11, 0, 0};
  // Changelog of onnx-tensorrt: UINT8 inputs and outputs in 8.5, INT64 in 9.0 EA, FP8 and BF16 in
  // 9.0 GA, INT4 in 10.0 EA, FLOAT4E2M1 in 10.8.
  out.uint8 = v >= Version{8, 5, 0};
  out.int64 = out.fp8 = out.bf16 = v >= Version{9, 0, 0};
  out.int4 = v >= Version{10, 0, 0};
  out.fp4 = v >= Version{10, 8, 0};
  // "Working with DLA", developer guide of 11.4.1: 10.7 was the last 10.x with DLA, 11.4.1 has it
  // again.
  out.dla = v < Version{10, 8, 0} || v >= Version{11, 4, 1};
  return out;
}

}  // namespace tenon::tensorrt
