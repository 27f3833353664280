#include "api/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "api/shapes.h"

namespace tenon::api {
namespace {

using testing::HasSubstr;

// Token numbers of a dynamic batch, looked up in a table of seven rows.
std::unique_ptr<ir::Graph> lookup() {
  auto graph = std::make_unique<ir::Graph>();
  graph->symbols.push_back({.name = "batch", .range = {1, 8}, .opt = 3});
  ir::Value* ids = graph->add_input(
      "ids", ir::Type::tensor(DType::i64, ir::Shape{ir::Dim::symbol("batch"), ir::Dim(4)}));
  ir::Value* table = graph->add_constant(Tensor::zeros(DType::f32, {7, 2}), "table");
  ir::Attributes axis;
  axis.set("axis", int64_t{0});
  ir::Node* cast = graph->add_node("", "Cast", {}, {ids});
  ir::Node* gather = graph->add_node("", "Gather", axis, {table, cast->output()});
  graph->add_output(gather->output());
  graph->find_symbol("batch")->source = ids;
  graph->find_symbol("batch")->axis = 0;
  return graph;
}

Tensor ids(int64_t batch) { return Tensor::zeros(DType::i64, {batch, 4}); }

TEST(MatchInputs, ByNameOrByPosition) {
  const auto graph = lookup();
  for (const char* name : {"ids", "input_0", "arr_0"}) {
    const auto inputs = match_inputs(*graph, {{name, ids(2)}}, "in.npz");
    ASSERT_TRUE(inputs) << inputs.error().message();
    EXPECT_EQ((*inputs)[0].shape(), (Dims{2, 4}));
  }
}

TEST(MatchInputs, SaysWhatDoesNotFit) {
  const auto graph = lookup();
  const std::pair<std::vector<NamedTensor>, std::string> cases[] = {
      {{}, "'ids' is missing"},
      {{{"other", ids(1)}}, "the file holds other"},
      {{{"ids", Tensor::zeros(DType::f32, {1, 4})}}, "it is f32, the model takes i64"},
      {{{"ids", Tensor::zeros(DType::i64, {1, 5})}}, "[1, 5]"},
      {{{"ids", Tensor::zeros(DType::i64, {4})}}, "[4]"},
      {{{"ids", ids(1)}, {"more", ids(1)}}, "no input 'more'"},
  };
  for (const auto& [given, text] : cases) {
    const auto inputs = match_inputs(*graph, given, "in.npz");
    ASSERT_FALSE(inputs) << text;
    EXPECT_EQ(inputs.error().kind, ErrorKind::usage);
    EXPECT_THAT(inputs.error().message(), HasSubstr(text));
    EXPECT_THAT(inputs.error().message(), HasSubstr("in.npz"));
    EXPECT_THAT(inputs.error().hint, HasSubstr("ids: i64[batch, 4]"));
  }
}

TEST(RandomInputs, IntegersFitTheTableThatTheyIndex) {
  const auto graph = lookup();
  const auto inputs = random_inputs(*graph, {.seed = 1, .shapes = *parse_shapes("ids:500x4")});
  ASSERT_TRUE(inputs) << inputs.error().message();
  const auto values = (*inputs)[0].values<int64_t>();
  EXPECT_EQ(values.size(), 2000u);
  EXPECT_EQ(std::ranges::min(values), 0);
  EXPECT_EQ(std::ranges::max(values), 6);
}

TEST(RandomInputs, SizesComeFromOptAndTheSeedDecidesTheValues) {
  const auto graph = lookup();
  const auto a = random_inputs(*graph, {.seed = 1}), b = random_inputs(*graph, {.seed = 1}),
             c = random_inputs(*graph, {.seed = 2});
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ((*a)[0].shape(), (Dims{3, 4}));
  EXPECT_TRUE(std::ranges::equal((*a)[0].bytes(), (*b)[0].bytes()));
  EXPECT_FALSE(std::ranges::equal((*a)[0].bytes(), (*c)[0].bytes()));
}

TEST(RandomInputs, AValueRangeIsKept) {
  const auto graph = lookup();
  const auto range = parse_value_range("2,4");
  ASSERT_TRUE(range);
  const auto inputs = random_inputs(*graph, {.range = *range, .sizes = {{"batch", 100}}});
  ASSERT_TRUE(inputs);
  EXPECT_EQ(std::ranges::min((*inputs)[0].values<int64_t>()), 2);
  EXPECT_EQ(std::ranges::max((*inputs)[0].values<int64_t>()), 4);
  for (const char* text : {"", "1", "2,1", "a,b", "1,"}) EXPECT_FALSE(parse_value_range(text));
}

TEST(ApplyShapes, FixesAndNarrowsSizes) {
  auto graph = lookup();
  ASSERT_TRUE(apply_shapes(*graph, *parse_shapes("ids[n=2..5,4]"), ir::OpSet()));
  EXPECT_EQ(graph->find_symbol("batch")->range, (ir::Interval{2, 5}));
  EXPECT_EQ(graph->find_symbol("batch")->opt, 3);
  for (const char* wrong : {"ids:1x4", "ids:3x5", "ids:3", "nobody:3x4", "ids[n=1..9,4]",
                            "ids[3,m=1..4]", "ids[3,4]:f32"}) {
    auto fresh = lookup();
    ASSERT_TRUE(apply_shapes(*fresh, *parse_shapes("ids[n=2..5,4]"), ir::OpSet()));
    const auto ok = apply_shapes(*fresh, *parse_shapes(wrong), ir::OpSet());
    ASSERT_FALSE(ok) << wrong;
    EXPECT_EQ(ok.error().kind, ErrorKind::usage);
    EXPECT_FALSE(ok.error().hint.empty());
  }
}

TEST(MergeProfile, SizesThatDifferBecomeRanges) {
  const auto merged = merge_profile(*parse_shapes("a:1x3x64,b:1"), *parse_shapes("a:4x3x64,b:4"),
                                    *parse_shapes("a:8x3x128,b:8"));
  ASSERT_TRUE(merged) << merged.error().message();
  const DimSpec batch{.symbol = "batch", .size = 4, .min = 1, .max = 8};
  EXPECT_EQ((*merged)[0].dims[0], batch);
  EXPECT_EQ((*merged)[0].dims[1].size, 3);
  EXPECT_EQ((*merged)[0].dims[2].symbol, "dim_2");
  EXPECT_EQ((*merged)[1].dims[0], batch);  // one size: the batch of both
  EXPECT_EQ(*merge_profile({}, *parse_shapes("a:4"), {}), *parse_shapes("a:4"));
}

TEST(MergeProfile, RefusesWhatDoesNotFitTogether) {
  const std::array<std::string_view, 3> cases[] = {
      {"a:1", "a:2", ""}, {"a:4", "a:2", "a:8"}, {"a:1", "a:2x2", "a:8"}, {"a[n]", "a:2", "a:8"}};
  for (const auto& [min, opt, max] : cases) {
    const auto merged = merge_profile(*parse_shapes(min), *parse_shapes(opt), *parse_shapes(max));
    ASSERT_FALSE(merged) << min;
    EXPECT_EQ(merged.error().kind, ErrorKind::usage);
  }
}

}  // namespace
}  // namespace tenon::api
