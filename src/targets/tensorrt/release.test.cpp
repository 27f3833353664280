#include "targets/tensorrt/release.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tenon::tensorrt {
namespace {

using ::testing::HasSubstr;

std::string name_of(std::string_view target) {
  const auto release = parse_release(target);
  return release ? name(*release) : release.error().message();
}
Abilities of(std::string_view target) { return abilities(*parse_release(target)); }

TEST(Release, IsNamedByVersionFamilyOrJetPack) {
  EXPECT_EQ(name_of("tensorrt"), "TensorRT 11.5");
  EXPECT_EQ(name_of("tensorrt:8.5.2"), "TensorRT 8.5.2");
  EXPECT_EQ(name_of("tensorrt:8.5.2.2"), "TensorRT 8.5.2");
  EXPECT_EQ(name_of("tensorrt:10.3"), "TensorRT 10.3");
  EXPECT_EQ(name_of("tensorrt-rtx"), "TensorRT-RTX 1.7");
  EXPECT_EQ(name_of("tensorrt-rtx:1.7.1"), "TensorRT-RTX 1.7.1");
  EXPECT_EQ(name_of("jetpack4.6.1"), "TensorRT 8.2.1 (JetPack 4.6.1)");
  EXPECT_EQ(name_of("jetpack5.0.2"), "TensorRT 8.4.1 (JetPack 5.0.2)");
  EXPECT_EQ(name_of("jetpack5.1"), "TensorRT 8.5.2 (JetPack 5.1)");
  EXPECT_EQ(name_of("jetpack6.0"), "TensorRT 8.6.2 (JetPack 6.0)");
  EXPECT_EQ(name_of("jetpack6.2"), "TensorRT 10.3 (JetPack 6.2)");
}

TEST(Release, SaysWhoseTablesStandForOneThatIsNotKnown) {
  EXPECT_EQ(name_of("tensorrt:12.1"), "TensorRT 12.1 (judged as 11.5, the newest that is known)");
  EXPECT_EQ(name_of("tensorrt-rtx:1.3"), "TensorRT-RTX 1.3 (judged as 1.7, the one that is known)");
  EXPECT_EQ(of("tensorrt:12.1").newest_opset, of("tensorrt:11.5").newest_opset);
  EXPECT_EQ(of("tensorrt:8.9").newest_opset, of("tensorrt:8.6").newest_opset);
}

TEST(Release, WrongNamesAreRefusedWithWhatThereIs) {
  for (const std::string_view target :
       {"tensorrt:7.2", "tensorrt:new", "tensorrt:", "tensorrt:8.", "tensorrt:8.5.2.2.1",
        "tensorrt8.5", "tensorrt-rtx:0.9", "jetpack9", "jetpack", "jetpack4.6", "trt"}) {
    SCOPED_TRACE(target);
    const auto release = parse_release(target);
    ASSERT_FALSE(release);
    EXPECT_EQ(release.error().kind, ErrorKind::usage);
    EXPECT_THAT(release.error().what, HasSubstr(target));
    EXPECT_FALSE(release.error().why.empty());
    EXPECT_THAT(release.error().hint, HasSubstr("jetpack5.1, "));
  }
  EXPECT_THAT(name_of("jetpack4.6"),
              HasSubstr("TensorRT 8.0.1, and versions before 8.2 are too old"));
}

TEST(Release, VersionsAreOrdered) {
  EXPECT_LT((Version{8, 6, 1}), (Version{10, 0, 0}));
  EXPECT_LT((Version{8, 5, 1}), (Version{8, 5, 2}));
  EXPECT_EQ((Version{10, 3, 0}).str(), "10.3");
}

TEST(Abilities, GrowAndGoByRelease) {
  EXPECT_EQ(of("tensorrt:8.2").newest_opset, 13);
  EXPECT_EQ(of("jetpack5.1").newest_opset, 17);
  EXPECT_EQ(of("tensorrt:10.5").newest_opset, 20);
  EXPECT_EQ(of("tensorrt:10.6").newest_opset, 22);
  EXPECT_FALSE(of("tensorrt:8.6").strongly_typed);
  EXPECT_TRUE(of("tensorrt:10.0").strongly_typed);
  EXPECT_TRUE(of("tensorrt:10.15").weakly_typed);
  EXPECT_FALSE(of("tensorrt:11.0").weakly_typed);
  EXPECT_FALSE(of("tensorrt:11.0").precision_flags);
  EXPECT_FALSE(of("tensorrt-rtx").calibration);
  EXPECT_TRUE(of("tensorrt:10.15").calibration);
  EXPECT_FALSE(of("tensorrt:8.6").int64);
  EXPECT_TRUE(of("tensorrt:10.0").int64);
  EXPECT_FALSE(of("tensorrt:8.4").uint8);
  EXPECT_TRUE(of("tensorrt:8.5").uint8);
}

TEST(Abilities, DlaIsGoneBetweenTwoReleases) {
  EXPECT_TRUE(of("jetpack6.2").dla);
  EXPECT_TRUE(of("tensorrt:10.7").dla);
  EXPECT_FALSE(of("tensorrt:10.8").dla);
  EXPECT_FALSE(of("tensorrt:11.4").dla);
  EXPECT_TRUE(of("tensorrt:11.4.1").dla);
  EXPECT_FALSE(of("tensorrt-rtx").dla);
}

}  // namespace
}  // namespace tenon::tensorrt
