#include "targets/tensorrt/trtexec_command.h"

#include <gmock/gmock.h>

namespace tenon::tensorrt {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::Not;

TrtexecBuild build_for(std::string_view target) {
  const auto release = parse_release(target);
  EXPECT_TRUE(release) << target;
  return {.release = *release,
          .profiles = {{{"x", {1, 3, 360, 640}, {4, 3, 360, 640}, {8, 3, 360, 640}}}},
          .precision = DType::f16,
          .fp32_nodes = {"head/Softmax"},
          .memory_pools = {{"WORKSPACE", uint64_t{2} << 30}}};
}

TEST(TrtexecWords, SayTheSameToEveryRelease) {
  EXPECT_THAT(
      *trtexec_words(build_for("tensorrt:8.2.1")),
      ElementsAre("--onnx=model.onnx", "--saveEngine=model.engine", "--minShapes=x:1x3x360x640",
                  "--optShapes=x:4x3x360x640", "--maxShapes=x:8x3x360x640", "--fp16", "--noTF32",
                  "--workspace=2048", "--timingCacheFile=timing.cache", "--buildOnly"));
  EXPECT_THAT(
      *trtexec_words(build_for("jetpack5.1")),
      ElementsAre("--onnx=model.onnx", "--saveEngine=model.engine", "--minShapes=x:1x3x360x640",
                  "--optShapes=x:4x3x360x640", "--maxShapes=x:8x3x360x640", "--fp16",
                  "--precisionConstraints=obey", "--layerPrecisions=head/Softmax:fp32",
                  "--layerOutputTypes=head/Softmax:fp32", "--noTF32",
                  "--memPoolSize=workspace:2147483648B", "--profilingVerbosity=detailed",
                  "--timingCacheFile=timing.cache", "--buildOnly"));
  EXPECT_THAT(*trtexec_words(build_for("tensorrt:10.3")),
              ElementsAre("--onnx=model.onnx", "--saveEngine=model.engine",
                          "--minShapes=x:1x3x360x640", "--optShapes=x:4x3x360x640",
                          "--maxShapes=x:8x3x360x640", "--stronglyTyped", "--noTF32",
                          "--memPoolSize=workspace:2147483648B", "--profilingVerbosity=detailed",
                          "--timingCacheFile=timing.cache", "--skipInference"));
  for (const char* target : {"tensorrt:11.0", "tensorrt-rtx"}) {
    const auto words = *trtexec_words(build_for(target));
    EXPECT_THAT(words, Not(Contains("--stronglyTyped"))) << target;
    EXPECT_THAT(words, Not(Contains("--fp16"))) << target;
  }
}

TEST(TrtexecWords, TakeSeveralProfilesWhereTheReleaseDoes) {
  TrtexecBuild build = build_for("tensorrt:10.3");
  build.profiles.push_back({{"x", {16, 3, 8, 8}, {16, 3, 8, 8}, {16, 3, 8, 8}}});
  EXPECT_THAT(*trtexec_words(build), IsSupersetOf({"--profile=0", "--minShapes=x:1x3x360x640",
                                                   "--profile=1", "--minShapes=x:16x3x8x8"}));
  build.release = build_for("tensorrt:8.6").release;
  const auto refused = trtexec_words(build);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unsupported);
}

TEST(TrtexecWords, QuoteNamesAndWords) {
  TrtexecBuild build = build_for("jetpack5.1");
  build.profiles = {{{"Input:0", {1}, {2}, {4}}}};
  EXPECT_THAT(*trtexec_words(build), Contains("--minShapes='Input:0':1"));
  EXPECT_EQ(shell_quoted("--minShapes='Input:0':1"), "'--minShapes='\\''Input:0'\\'':1'");
  EXPECT_EQ(shell_quoted("--fp16"), "--fp16");
}

}  // namespace
}  // namespace tenon::tensorrt
