#include "targets/tensorrt/trtexec_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace tenon::tensorrt {
namespace {

// Which release of trtexec knows what, read off its sources (samples/common/sampleOptions.cpp of
// github.com/NVIDIA/TensorRT, release by release).
constexpr Version kMemPoolSize{8, 4, 0};      // before: --workspace, in MiB
constexpr Version kLayerPrecisions{8, 4, 0};  // with --layerOutputTypes
constexpr Version kDetailed{8, 4, 0};         // --profilingVerbosity=detailed
constexpr Version kSkipInference{8, 6, 0};    // before: --buildOnly
constexpr Version kProfiles{10, 0, 0};        // --profile=N
constexpr Version kTypedOnly{11, 0, 0};       // no --fp16, no --layerPrecisions any more

std::string name_of_pool(const std::string& pool) {
  if (pool == "WORKSPACE") return "workspace";
  if (pool == "DLA_MANAGED_SRAM") return "dlaSRAM";
  if (pool == "DLA_LOCAL_DRAM") return "dlaLocalDRAM";
  if (pool == "DLA_GLOBAL_DRAM") return "dlaGlobalDRAM";
  return "tacticSharedMem";
}

// Names that trtexec would take apart at their commas and colons are quoted.
std::string spec_name(const std::string& name) {
  return name.find_first_of(":,") == std::string::npos ? name : "'" + name + "'";
}

std::string shapes(const Profile& profile, std::vector<int64_t> ProfileShape::* which) {
  std::vector<std::string> out;
  for (const ProfileShape& shape : profile)
    out.push_back(fmt::format("{}:{}", spec_name(shape.input), fmt::join(shape.*which, "x")));
  return fmt::format("{}", fmt::join(out, ","));
}

void add_shapes(const Profile& profile, std::vector<std::string>& words) {
  words.push_back("--minShapes=" + shapes(profile, &ProfileShape::min));
  words.push_back("--optShapes=" + shapes(profile, &ProfileShape::opt));
  words.push_back("--maxShapes=" + shapes(profile, &ProfileShape::max));
}

Status add_profiles(const TrtexecBuild& build, std::vector<std::string>& words) {
  std::vector<Profile> dynamic;
  for (const Profile& profile : build.profiles) {
    if (!profile.empty()) dynamic.push_back(profile);
  }
  if (dynamic.size() > 1 && build.release.version < kProfiles &&
      build.release.family == Family::tensorrt) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("cannot say {} profiles to the trtexec of {}", dynamic.size(),
                                     name(build.release)),
                 .why = "it takes one, releases from 10.0 on take several",
                 .hint = "give one profile that spans them all"});
  }
  for (size_t i = 0; i < dynamic.size(); ++i) {
    if (dynamic.size() > 1) words.push_back(fmt::format("--profile={}", i));
    add_shapes(dynamic[i], words);
  }
  return {};
}

// In releases with typed networks the model says the types; the others are told.
void add_types(const TrtexecBuild& build, std::vector<std::string>& words) {
  const Abilities can = abilities(build.release);
  if (can.strongly_typed) {
    if (build.release.family == Family::tensorrt && build.release.version < kTypedOnly)
      words.emplace_back("--stronglyTyped");
    return;
  }
  if (build.precision != DType::f16) return;
  words.emplace_back("--fp16");
  if (build.fp32_nodes.empty() || build.release.version < kLayerPrecisions) return;
  std::vector<std::string> layers;
  for (const std::string& node : build.fp32_nodes) layers.push_back(spec_name(node) + ":fp32");
  words.emplace_back("--precisionConstraints=obey");
  words.push_back(fmt::format("--layerPrecisions={}", fmt::join(layers, ",")));
  words.push_back(fmt::format("--layerOutputTypes={}", fmt::join(layers, ",")));
}

void add_pools(const TrtexecBuild& build, std::vector<std::string>& words) {
  for (const auto& [pool, bytes] : build.memory_pools) {
    if (build.release.version >= kMemPoolSize || build.release.family == Family::rtx)
      words.push_back(fmt::format("--memPoolSize={}:{}B", name_of_pool(pool), bytes));
    else if (pool == "WORKSPACE")
      words.push_back(fmt::format("--workspace={}", std::max<uint64_t>(1, bytes >> 20)));
  }
}

}  // namespace

Result<std::vector<std::string>> trtexec_words(const TrtexecBuild& build) {
  const bool rtx = build.release.family == Family::rtx;
  const Version version = build.release.version;
  std::vector<std::string> words = {"--onnx=" + build.model, "--saveEngine=" + build.engine};
  TRY(add_profiles(build, words));
  add_types(build, words);
  if (!build.tf32) words.emplace_back("--noTF32");
  add_pools(build, words);
  if (build.dla_core) {
    words.push_back(fmt::format("--useDLACore={}", *build.dla_core));
    words.emplace_back("--allowGPUFallback");
  }
  if (rtx || version >= kDetailed) words.emplace_back("--profilingVerbosity=detailed");
  words.emplace_back("--timingCacheFile=timing.cache");
  words.emplace_back(rtx || version >= kSkipInference ? "--skipInference" : "--buildOnly");
  return words;
}

std::string shell_quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.,:/+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace tenon::tensorrt
