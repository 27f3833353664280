#include "cli/trtexec_flags.h"

#include <gmock/gmock.h>

#include <set>

namespace tenon::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<TrtexecOptions> parse(std::vector<std::string> words) { return parse_trtexec(words); }

TEST(TrtexecFlags, AreNamedOnceAndEachSaysWhatBecomesOfIt) {
  std::set<std::string_view> names;
  for (const TrtexecFlag& flag : trtexec_flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
    EXPECT_EQ(flag.take != nullptr, flag.use == FlagUse::taken) << flag.name;
    EXPECT_EQ(flag.note.empty(), flag.use == FlagUse::taken) << flag.name;
  }
}

TEST(TrtexecFlags, HaveTrtexecsUnitsAndDefaults) {
  const auto plain = parse({"--onnx=m.onnx"});
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->tf32);
  EXPECT_EQ(plain->iterations, 10);
  EXPECT_EQ(plain->warm_up_ms, 200);
  EXPECT_EQ(plain->duration_s, 3);
  EXPECT_THAT(plain->percentiles, ElementsAre(90, 95, 99));
  const auto given = parse({"--onnx=m.onnx", "--memPoolSize=workspace:2G,dlaSRAM:0.5", "--noTF32",
                            "--warmUp=50", "--duration=0", "--workspace=16", "--percentile=99"});
  ASSERT_TRUE(given);
  EXPECT_FALSE(given->tf32);
  EXPECT_EQ(given->memory_pools.at("WORKSPACE"), uint64_t{16} << 20);
  EXPECT_EQ(given->memory_pools.at("DLA_MANAGED_SRAM"), uint64_t{1} << 19);
  EXPECT_EQ(given->warm_up_ms, 50);
  EXPECT_EQ(given->duration_s, 0);
  EXPECT_THAT(given->percentiles, ElementsAre(99));
}

TEST(TrtexecFlags, CollectShapesByProfile) {
  const auto options = parse({"--profile=0", "--minShapes=x:1x3", "--optShapes=x:2x3",
                              "--profile=1", "--optShapes=x:8x3"});
  ASSERT_TRUE(options);
  EXPECT_THAT(options->min_shapes, ElementsAre("x:1x3", ""));
  EXPECT_THAT(options->opt_shapes, ElementsAre("x:2x3", "x:8x3"));
  EXPECT_FALSE(parse({"--profile=2"}));
}

TEST(TrtexecFlags, SayWhatToDoInsteadAllAtOnce) {
  const auto options =
      parse({"--fp8", "--batch=4", "--onx=m.onnx", "--onnx", "--fp16=1", "--sparsity=force"});
  ASSERT_FALSE(options);
  ASSERT_EQ(options.error().details.size(), 6u);
  EXPECT_THAT(options.error().details[0].hint, HasSubstr("--fp16"));
  EXPECT_THAT(options.error().details[1].hint, HasSubstr("--optShapes"));
  EXPECT_THAT(options.error().details[3].why, "its value is missing");
  EXPECT_THAT(options.error().details[4].why, "it takes no value");
  EXPECT_THAT(options.error().details[5].why, HasSubstr("none of disable, enable"));
}

TEST(TrtexecFlags, SayWhereAFlagChangesNothing) {
  const auto options = parse({"--explicitBatch"});
  ASSERT_TRUE(options);
  EXPECT_THAT(options->remarks, ElementsAre(HasSubstr("every batch is explicit")));
}

}  // namespace
}  // namespace tenon::cli
