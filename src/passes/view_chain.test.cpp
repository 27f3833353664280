#include "passes/view_chain.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ops/reshape/reshape.h"
#include "ops/tables.h"
#include "ops/transpose/transpose.h"

namespace tenon::passes {
namespace {

using ir::Dim;
using ir::Value;

struct ViewChainTest : testing::Test {
  std::vector<const ir::OpSpec*> table = ops::op_table();
  ir::OpSet ops{table};
  ir::Graph graph;
  ir::Builder b{graph, ops};

  Value* reshape(Value* x, std::vector<int64_t> to) {
    return b.emit(ops::Reshape{}, {x, b.ints(to)});
  }
  Value* transpose(Value* x, std::vector<int64_t> perm) {
    return b.emit(ops::Transpose{.perm = std::move(perm)}, {x});
  }
  // "reshape [..], transpose, reshape [..]" in short.
  std::string composed(Value* last) {
    EXPECT_TRUE(b.status());
    std::vector<const ir::Node*> views;
    while (is_view(last->producer)) {
      views.insert(views.begin(), last->producer);
      last = last->producer->input(0);
    }
    const auto r = compose(*last->shape(), views);
    if (!r) return "none";
    std::string out;
    if (r->split) out += to_string(*r->split) + " ";
    if (r->perm) {
      out += "(";
      for (int64_t axis : *r->perm) out += std::to_string(axis);
      out += ") ";
    }
    if (r->joined) out += to_string(*r->joined);
    return out;
  }
};

TEST_F(ViewChainTest, FindsTheShortestForm) {
  graph.symbols.push_back({.name = "N", .range = {1, 8}});
  const Dim n = Dim::symbol("N");
  Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{197, n, 768}));
  // The keys of multi-head attention, as PyTorch arranges them.
  Value* keys = reshape(x, {197, -1, 64});
  keys = transpose(keys, {1, 0, 2});
  keys = reshape(keys, {-1, 12, 197, 64});
  keys = transpose(keys, {0, 1, 3, 2});
  EXPECT_EQ(composed(keys), "[197, N, 12, 64] (1230) ");
  // There and back.
  EXPECT_EQ(composed(transpose(transpose(x, {2, 0, 1}), {1, 2, 0})), "");
  EXPECT_EQ(composed(reshape(reshape(x, {197, -1}), {197, -1, 768})), "");
  // Axes of size 1 move freely.
  EXPECT_EQ(composed(transpose(reshape(x, {197, 1, -1, 768}), {0, 2, 1, 3})), "[197, N, 1, 768]");
  // Channel shuffle keeps its three steps.
  Value* image = graph.add_input("y", ir::Type::tensor(DType::f32, ir::Shape{n, 8, 4, 4}));
  Value* shuffled = transpose(reshape(image, {0, 2, 4, 4, 4}), {0, 2, 1, 3, 4});
  EXPECT_EQ(composed(reshape(shuffled, {0, 8, 4, 4})), "[N, 2, 4, 4, 4] (02134) [N, 8, 4, 4]");
  // Sizes without a common factor do not come apart.
  Value* odd = graph.add_input("z", ir::Type::tensor(DType::f32, ir::Shape{6, 4}));
  EXPECT_EQ(composed(transpose(reshape(transpose(odd, {1, 0}), {3, 8}), {1, 0})), "none");
}

TEST_F(ViewChainTest, SelectsFromTheSource) {
  graph.symbols.push_back({.name = "N", .range = {1, 8}});
  const Dim n = Dim::symbol("N");
  Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{n, 49, 288}));
  Value* split = reshape(x, {0, 49, 3, 3, 32});
  Value* moved = transpose(split, {2, 0, 3, 1, 4});
  ASSERT_TRUE(b.status());
  const auto s = select(*x->shape(), {split->producer, moved->producer}, 0, 1);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->axis, 2u);
  EXPECT_EQ(s->start, 96);
  EXPECT_EQ(s->length, 96);
  EXPECT_EQ(to_string(*s->rearrangement.split), "[N, 49, 3, 32]");
  EXPECT_EQ(*s->rearrangement.perm, (std::vector<int64_t>{0, 2, 1, 3}));
  EXPECT_FALSE(s->rearrangement.joined);
  // Heads are not the leading factor: their elements are not together.
  EXPECT_FALSE(select(*x->shape(), {split->producer, moved->producer}, 2, 1));
}

}  // namespace
}  // namespace tenon::passes
