#include "api/engine_file.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/mapped_file.h"
#include "base/scratch_folder.h"

namespace tenon::api {
namespace {

using tensorrt::Description;
using testing::HasSubstr;

// Two profiles of ids (batch, seq) and mask (batch, 2*seq); scale is fixed.
Description described() {
  Description out{.module = "tensorrt", .version = "10.3.0"};
  out.inputs = {{"ids", DType::i64, {"batch", "seq"}},
                {"mask", DType::f32, {"batch", "2*seq"}},
                {"scale", DType::f32, {"1"}}};
  out.outputs = {{"y", DType::f32, {"batch"}}};
  out.profiles = {{{"ids", {1, 2}, {2, 4}, {4, 8}}, {"mask", {1, 4}, {2, 8}, {4, 16}}},
                  {{"ids", {3, 2}, {4, 8}, {9, 8}}, {"mask", {3, 4}, {4, 16}, {9, 16}}}};
  return out;
}

class EngineFileTest : public testing::Test {
 protected:
  void SetUp() override { write("e.engine", "engine", described()); }

  void write(const std::string& name, const std::string& bytes, Description about) {
    about.engine_bytes = bytes.size();
    about.engine_hash = tensorrt::hash_of(std::as_bytes(std::span(bytes)));
    put(name, bytes);
    put(name + ".json", tensorrt::to_json(about));
  }
  void put(const std::string& name, const std::string& text) {
    auto file = AtomicFile::create(path(name));
    ASSERT_TRUE(file && file->write(text) && file->commit());
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  EngineFile engine() const { return *open_engine(path("e.engine")); }

  static std::vector<Tensor> inputs(int64_t batch, int64_t seq, int64_t mask) {
    return {Tensor::zeros(DType::i64, {batch, seq}), Tensor::zeros(DType::f32, {batch, mask}),
            Tensor::zeros(DType::f32, {1})};
  }

  ScratchFolder folder_ = *ScratchFolder::make();
};

TEST_F(EngineFileTest, IsToldByItsExtensionOrItsDescription) {
  write("renamed.bin", "engine", described());
  put("model.onnx", "x");
  put("model.onnx.json", "{}");
  EXPECT_TRUE(is_engine(path("e.engine")));
  EXPECT_TRUE(is_engine(path("missing.plan")));
  EXPECT_TRUE(is_engine(path("renamed.bin")));
  EXPECT_FALSE(is_engine(path("model.onnx")));
  EXPECT_FALSE(is_engine(path("model.tenon")));
}

TEST_F(EngineFileTest, HasASymbolForEverySizeThatVaries) {
  const EngineFile file = engine();
  ASSERT_EQ(file.inputs->symbols.size(), 2u);
  const ir::Symbol& batch = file.inputs->symbols[0];
  EXPECT_EQ(batch.name, "batch");
  EXPECT_EQ(batch.range.min, 1);
  EXPECT_EQ(batch.range.max, 9);
  EXPECT_EQ(batch.opt, 2);
  EXPECT_EQ(file.inputs->inputs()[1]->type.str(), "f32[batch, 2*seq]");
}

TEST_F(EngineFileTest, TakesTheProfileThatFits) {
  EXPECT_EQ(fitting_profile(engine(), inputs(3, 4, 8)), 0u);   // both fit, neither is best
  EXPECT_EQ(fitting_profile(engine(), inputs(4, 8, 16)), 1u);  // both fit, one is best
  EXPECT_EQ(fitting_profile(engine(), inputs(9, 8, 16)), 1u);
}

TEST_F(EngineFileTest, SaysWhatIsOutOfEveryProfile) {
  const auto none = fitting_profile(engine(), inputs(1, 9, 16));
  ASSERT_FALSE(none);
  EXPECT_EQ(
      none.error().why,
      "profile 0: dimension 1 of input ids is 9, out of 2..8; profile 1: dimension 0 of input "
      "ids is 1, out of 3..9, dimension 1 of input ids is 9, out of 2..8, dimension 0 of input "
      "mask is 1, out of 3..9");
}

TEST_F(EngineFileTest, SizesOfOneNameHaveToBeTheSame) {
  EXPECT_FALSE(fitting_profile(engine(), inputs(2, 4, 10)));
}

TEST_F(EngineFileTest, RangesAreThoseOfAllProfiles) {
  const auto specs = ranges_of(described());
  ASSERT_TRUE(specs);
  ASSERT_EQ(specs->size(), 3u);
  EXPECT_EQ((*specs)[0].name, "input_0");
  EXPECT_EQ((*specs)[0].dims[0].min, 1);
  EXPECT_EQ((*specs)[0].dims[0].max, 9);
  EXPECT_EQ((*specs)[2].dims[0].size, 1);
}

TEST_F(EngineFileTest, AnotherEnginesDescriptionIsRefused) {
  put("e.engine", "another");
  const auto file = open_engine(path("e.engine"));
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().what, HasSubstr("do not belong together"));
}

}  // namespace
}  // namespace tenon::api
