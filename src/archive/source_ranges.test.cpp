#include "archive/source_ranges.h"

#include <sstream>

#include "archive/testdata.h"
#include "archive/torch_archive.h"

namespace tenon::archive {
namespace {

// Number of the line of testdata/make.py that holds `text`, from 1.
int line_of(const std::string& text) {
  std::istringstream in(contents("make.py"));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find(text) != std::string::npos) return number;
  }
  ADD_FAILURE() << text;
  return 0;
}

// The frames of where `snippet` stands in the code of a model.
std::vector<SourceFrame> frames(const std::string& model, const std::string& snippet) {
  const auto archive = TorchArchive::open(testdata(model));
  EXPECT_TRUE(archive) << archive.error().message();
  for (const std::string& name : archive->list("code/", ".py")) {
    const auto code = archive->read(name);
    const auto ranges =
        SourceRanges::parse(*archive->read(name + ".debug_pkl"), archive->where(name));
    EXPECT_TRUE(ranges) << ranges.error().message();
    const size_t at = code->text().find(snippet);
    if (at != std::string_view::npos) return ranges->frames(at);
  }
  ADD_FAILURE() << snippet;
  return {};
}

class SourceRangesOf : public testing::TestWithParam<const char*> {};

TEST_P(SourceRangesOf, ScriptedFunction) {
  const auto found = frames(GetParam(), "torch.relu(");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].file.ends_with("/make.py")) << found[0].file;
  EXPECT_EQ(found[0].line, line_of("y = torch.relu(self.fc(x))"));
  EXPECT_EQ(found[0].function, "forward");
  EXPECT_EQ(frames(GetParam(), "torch.tensor([")[0].line, line_of("return y + torch.tensor"));
  EXPECT_TRUE(frames(GetParam(), "class Small").empty());
}

INSTANTIATE_TEST_SUITE_P(All, SourceRangesOf,
                         testing::Values("scripted.pt", "scripted_deflated.pt", "lite.ptl"));

TEST(SourceRanges, TracedCallStack) {
  const auto relu = frames("traced.pt", "torch.relu(");
  ASSERT_EQ(relu.size(), 1u) << "PyTorch's own frames are left out";
  EXPECT_TRUE(relu[0].file.ends_with("/make.py"));
  EXPECT_EQ(relu[0].line, line_of("y = torch.relu(self.fc(x))"));
  EXPECT_EQ(relu[0].function, "forward");
  const auto linear = frames("traced.pt", "torch.linear(");
  ASSERT_EQ(linear.size(), 2u);
  EXPECT_TRUE(linear[0].file.ends_with("torch/nn/modules/linear.py"));
  EXPECT_EQ(linear[0].function, "forward");
  EXPECT_EQ(linear[1], relu[0]);
}

TEST(SourceRanges, FormatWithoutStringTable) {
  const auto ranges = SourceRanges::parse(blob_of(contents("ranges_old.pkl")), {.file = "test"});
  ASSERT_TRUE(ranges) << ranges.error().message();
  EXPECT_TRUE(ranges->frames(0).empty());
  EXPECT_TRUE(ranges->frames(119).empty());
  const std::vector<SourceFrame> add = {{"old.py", 41, "forward"}},
                                 result = {{"old.py", 42, "forward"}};
  EXPECT_EQ(ranges->frames(120), add);
  EXPECT_EQ(ranges->frames(149), add);
  EXPECT_EQ(ranges->frames(1000), result);
}

TEST(SourceRanges, DamageIsRefused) {
  for (const char* name : {"values_2.pkl", "cyclic.pkl", "system.pkl", "deep.pkl", "array.npy"}) {
    const auto ranges = SourceRanges::parse(blob_of(contents(name)), {.file = name});
    ASSERT_FALSE(ranges) << name;
    expect_complete(ranges.error());
  }
}

}  // namespace
}  // namespace tenon::archive
