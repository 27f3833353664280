#include "passes/bounded_sizes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "ops/arg_reduce/arg_reduce.h"
#include "ops/common/emit.h"
#include "ops/concat/concat.h"
#include "ops/cumsum/cumsum.h"
#include "ops/gather_nd/gather_nd.h"
#include "ops/non_max_suppression/non_max_suppression.h"
#include "ops/roi_align/roi_align.h"
#include "ops/scatter_elements/scatter_elements.h"
#include "ops/scatter_nd/scatter_nd.h"
#include "ops/softmax/softmax.h"
#include "ops/tables.h"
#include "ops/topk/topk.h"
#include "ops/unique/unique.h"
#include "passes/large_sorts.h"
#include "passes/sampled_regions.h"

namespace tenon::passes {
namespace {

using ir::Value;
using ops::Emit;
using testing::HasSubstr;

struct Tables {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const ir::RefKernel*> ref_table = ops::ref_table();
  ir::OpSet ops{op_table};
  ir::RefKernels kernels{ref_table};
  PassContext context{ops, kernels};
};
const Tables& tables() {
  static const Tables all;
  return all;
}

constexpr int64_t kRows = 7;

// What a program sees: a table [7, 3], and the rows of it that a condition picks.
struct Inputs {
  Emit e;
  Value *x, *flags;

  Value* places() const {  // [picked]
    return e.squeeze(e.op("NonZero", {flags}), 0);
  }
  Value* picked() const {  // [picked, 3]
    return e.b.emit(ops::Gather{.axis = 0}, {x, places()});
  }
  Value* column() const {  // [picked]
    return e.b.emit(ops::Gather{.axis = 1}, {picked(), e.integer(0)});
  }
  Value* count() const {  // 0-d
    return e.squeeze(e.b.emit(ops::Shape{}, {column()}), 0);
  }
  Value* boxes() const {  // [picked, 4], corners in order
    Value* low = e.op("Slice", {picked(), e.b.ints({0}), e.b.ints({2}), e.b.ints({1})});
    Value* size = e.op("Abs", {e.b.emit(ops::Gather{.axis = 1}, {picked(), e.b.ints({1, 2})})});
    return e.b.emit(ops::Concat{.axis = 1}, {low, e.op("Add", {low, size})});
  }
};

struct Case {
  const char* name;
  std::function<std::vector<Value*>(const Inputs&)> program;
};

// The program that the attributes of one node make.
Value* with(const Inputs& in, const char* op,
            std::initializer_list<std::pair<std::string, ir::Attribute>> attributes,
            std::vector<Value*> inputs) {
  return in.e.b.emit_with(op, attributes, std::move(inputs));
}
Value* reduced(const Inputs& in, const char* op, Value* x, int64_t axis, bool keep) {
  return in.e.reduce(op, x, axis, keep);
}

// A Loop over what is picked, or while the sum stays small, that collects each turn's row.
std::vector<Value*> collecting(const Inputs& in, bool conditional) {
  const Emit& e = in.e;
  Value *picked = in.picked(), *start = e.number(in.x, 0);
  Value* limit = conditional ? e.integer(kRows) : in.count();
  ir::Node* node =
      e.b.graph().add_node("", "Loop", {}, {limit, e.b.scalar(1, DType::boolean), start}, 2);
  ir::Graph* body = e.b.graph().add_subgraph(node, "body");
  Value* turn = body->add_input("turn", ir::Type::tensor(DType::i64, ir::Shape{}));
  Value* go = body->add_input("go", ir::Type::tensor(DType::boolean, ir::Shape{}));
  Value* sum = body->add_input("sum", start->type);
  ir::Builder b(*body, e.b.ops());
  const Emit inside{b};
  Value* row = b.emit(ops::Gather{.axis = 0}, {conditional ? in.x : picked, turn});
  Value* next = inside.op("Add", {sum, inside.reduce("ReduceSum", row, 0, false)});
  body->add_output(conditional ? inside.op("Less", {next, inside.number(next, 0.5)})
                               : inside.op("Identity", {go}));
  body->add_output(next);
  body->add_output(inside.op("Mul", {row, next}));
  EXPECT_TRUE(b.status());
  EXPECT_TRUE(ir::infer(e.b.graph(), e.b.ops()));
  return {node->output(0), node->output(1)};
}

std::vector<Value*> branching(const Inputs& in) {
  const Emit& e = in.e;
  Value* many = e.op("Greater", {in.count(), e.integer(3)});
  Value *picked = in.picked(), *column = in.column();
  ir::Node* node = e.b.graph().add_node("", "If", {}, {many}, 2);
  for (const char* name : {"then_branch", "else_branch"}) {
    ir::Graph* branch = e.b.graph().add_subgraph(node, name);
    ir::Builder b(*branch, e.b.ops());
    const Emit inside{b};
    const bool then = std::string_view(name) == "then_branch";
    Value* found =
        inside.op("NonZero", {inside.op("Greater", {column, inside.number(column, 0.2)})});
    Value* rows = then ? b.emit(ops::Gather{.axis = 0}, {picked, inside.squeeze(found, 0)})
                       : inside.op("Neg", {picked});
    branch->add_output(rows);
    branch->add_output(inside.reduce("ReduceSum", inside.op("Abs", {rows}), 0, false));
    EXPECT_TRUE(b.status());
  }
  EXPECT_TRUE(ir::infer(e.b.graph(), e.b.ops()));
  return {node->output(0), node->output(1)};
}

const Case kCases[] = {
    {"rows by a condition", [](const Inputs& in) { return std::vector{in.picked(), in.places()}; }},
    {"element by element",
     [](const Inputs& in) {
       Value* p = in.picked();
       return std::vector{in.e.op("Mul", {in.e.op("Exp", {p}), in.e.as_column(in.column())})};
     }},
    {"sizes",
     [](const Inputs& in) {
       return std::vector{in.e.b.emit(ops::Shape{}, {in.picked()}), in.e.op("Size", {in.picked()})};
     }},
    {"places in a table",
     [](const Inputs& in) {
       Value* where =
           in.e.op("NonZero", {in.e.op("Greater", {in.picked(), in.e.number(in.x, 0.1)})});
       Value* rows = in.e.transposed(where);
       return std::vector{where, in.e.b.emit(ops::GatherND{}, {in.picked(), rows})};
     }},
    {"sums and means",
     [](const Inputs& in) {
       std::vector<Value*> out;
       for (const char* op : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd",
                              "ReduceLogSumExp", "ReduceL2"}) {
         // Something is always there, or means and maxima are of nothing.
         Value* some = in.e.b.emit(ops::Concat{.axis = 0}, {in.picked(), in.x});
         out.push_back(reduced(in, op, some, 0, false));
         out.push_back(reduced(in, op, some, 1, true));
       }
       return out;
     }},
    {"along an axis",
     [](const Inputs& in) {
       Value* some = in.e.b.emit(ops::Concat{.axis = 0}, {in.x, in.picked(), in.picked()});
       return std::vector{in.e.b.emit(ops::Softmax{.axis = 0}, {some}),
                          in.e.b.emit(ops::Softmax{.axis = 1}, {some}),
                          in.e.b.emit(ops::ArgMax{.axis = 0}, {some}),
                          in.e.b.emit(ops::ArgMin{.axis = 0}, {some}),
                          in.e.b.emit(ops::CumSum{}, {some, in.e.integer(0)}),
                          in.e.b.emit(ops::CumSum{.reverse = true}, {some, in.e.integer(0)})};
     }},
    {"the largest few",
     [](const Inputs& in) {
       Value* k = in.e.as_vector(in.e.op("Min", {in.count(), in.e.integer(3)}));
       auto top = in.e.b.emit_n(ops::TopK{.axis = 0}, {in.column(), k}, 2);
       auto low = in.e.b.emit_n(ops::TopK{.axis = 0, .largest = false}, {in.column(), k}, 2);
       return std::vector{top[0], top[1], low[0],
                          in.e.b.emit(ops::Gather{.axis = 0}, {in.picked(), top[1]})};
     }},
    {"put together",
     [](const Inputs& in) {
       Value* twice = in.e.b.emit(ops::Concat{.axis = 0}, {in.picked(), in.x, in.picked()});
       Value* wide = in.e.b.emit(ops::Concat{.axis = 1}, {in.picked(), in.picked()});
       return std::vector{twice, wide};
     }},
    {"parts",
     [](const Inputs& in) {
       const Emit& e = in.e;
       const auto part = [&](int64_t from, int64_t to, int64_t step) {
         return e.op("Slice", {in.picked(), e.b.ints({from}), e.b.ints({to}), e.b.ints({0}),
                               e.b.ints({step})});
       };
       Value* end = e.as_vector(e.op("Min", {in.count(), e.integer(2)}));
       return std::vector{
           part(0, 3, 1),
           part(1, 1000, 1),
           part(-2, 1000, 1),
           part(0, 1000, 2),
           part(1, -1, 1),
           e.op("Slice", {in.picked(), e.b.ints({0}), end, e.b.ints({0}), e.b.ints({1})})};
     }},
    {"single rows",
     [](const Inputs& in) {
       Value* some = in.e.b.emit(ops::Concat{.axis = 0}, {in.picked(), in.x});
       Value* last = in.e.op(
           "Sub", {in.e.number(in.places(), 0), in.e.op("Min", {in.places(), in.e.integer(3)})});
       return std::vector{
           in.e.b.emit(ops::Gather{.axis = 0}, {some, in.e.b.ints({0, -1})}),
           in.e.b.emit(ops::Gather{.axis = 0}, {some, in.e.op("Sub", {last, in.e.integer(1)})})};
     }},
    {"written to places",
     [](const Inputs& in) {
       const Emit& e = in.e;
       Value* rows =
           e.b.emit(ops::ScatterND{}, {in.x, e.as_column(in.places()), e.op("Neg", {in.picked()})});
       Value* ones = e.b.emit(
           ops::ScatterElements{},
           {e.b.emit(ops::Gather{.axis = 1}, {in.x, e.integer(1)}), in.places(), in.column()});
       Value* sums = e.b.emit(ops::ScatterND{.reduction = "add"},
                              {in.x, e.as_column(in.places()), in.picked()});
       return std::vector{rows, ones, sums};
     }},
    {"other forms",
     [](const Inputs& in) {
       const Emit& e = in.e;
       Value* flat =
           with(in, "Reshape", {{"allowzero", int64_t{0}}}, {in.picked(), e.b.ints({-1})});
       Value* back = with(in, "Reshape", {{"allowzero", int64_t{0}}}, {flat, e.b.ints({-1, 3})});
       return std::vector{flat, back, e.transposed(in.picked()), e.unsqueeze(in.picked(), 1)};
     }},
    {"filled",
     [](const Inputs& in) {
       const Emit& e = in.e;
       Value* sizes = e.b.emit(ops::Shape{}, {in.picked()});
       Value* count = in.count();
       return std::vector{
           e.op("Expand", {e.number(in.x, 2), sizes}),
           e.b.emit(ops::Range{}, {e.integer(2), e.op("Add", {count, e.integer(2)}), e.integer(1)}),
           e.op("Expand", {e.as_column(in.column()), sizes})};
     }},
    {"products",
     [](const Inputs& in) {
       const Emit& e = in.e;
       Value* across = e.transposed(in.picked());
       return std::vector{e.op("MatMul", {across, in.picked()}),
                          e.op("MatMul", {in.picked(), across})};
     }},
    {"distinct values",
     [](const Inputs& in) {
       Value* rounded = in.e.op("Round", {in.e.op("Mul", {in.column(), in.e.number(in.x, 2)})});
       Value* some =
           in.e.b.emit(ops::Concat{.axis = 0}, {rounded, in.e.b.cast(in.places(), DType::f32)});
       return in.e.b.emit_n(ops::Unique{}, {some}, 4);
     }},
    {"boxes that overlap",
     [](const Inputs& in) {
       const Emit& e = in.e;
       Value *boxes = e.unsqueeze(in.boxes(), 0),
             *scores = e.op("Unsqueeze", {in.column(), e.b.ints({0, 1})});
       const auto kept = [&](int64_t most, float iou, std::optional<float> score, int64_t centred) {
         std::vector<Value*> inputs{boxes, scores, e.b.ints({most}),
                                    e.b.constant(ir::Builder::scalar_tensor(iou, DType::f32))};
         if (score) inputs.push_back(e.b.constant(ir::Builder::scalar_tensor(*score, DType::f32)));
         return e.b.emit(ops::NonMaxSuppression{.center_point_box = centred}, inputs);
       };
       return std::vector{kept(1000, 0.3F, {}, 0), kept(2, 0.1F, {}, 0), kept(1000, 0.2F, 0.1F, 1)};
     }},
    {"boxes of images and classes",
     [](const Inputs& in) {
       const Emit& e = in.e;
       // Two images of three classes; the second's boxes are the first's in reverse.
       Value* boxes = in.boxes();
       Value* both = e.b.emit(ops::Concat{.axis = 0},
                              {e.unsqueeze(boxes, 0), e.unsqueeze(e.op("Neg", {boxes}), 0)});
       Value* scores = e.unsqueeze(e.transposed(in.picked()), 0);
       Value* all = e.b.emit(ops::Concat{.axis = 0}, {scores, e.op("Neg", {scores})});
       const auto kept = [&](int64_t most, float score) {
         return e.b.emit(ops::NonMaxSuppression{},
                         {both, all, e.b.ints({most}),
                          e.b.constant(ir::Builder::scalar_tensor(0.2, DType::f32)),
                          e.b.constant(ir::Builder::scalar_tensor(score, DType::f32))});
       };
       return std::vector{kept(1000, -0.5F), kept(1, -2.0F)};
     }},
    {"regions",
     [](const Inputs& in) {
       const Emit& e = in.e;
       Value* image = e.op(
           "Expand",
           {e.op("Reshape", {e.op("Slice", {in.x, e.b.ints({0}), e.b.ints({4}), e.b.ints({0})}),
                             e.b.ints({1, 2, 2, 3})}),
            e.b.ints({2, 2, 2, 3})});
       Value* batch = e.b.emit_with("Mod", {{"fmod", int64_t{0}}}, {in.places(), e.integer(2)});
       const auto aligned = [&](const char* mode) {
         return e.b.emit(ops::RoiAlign{.coordinate_transformation_mode = mode,
                                       .output_height = 2,
                                       .output_width = 3,
                                       .sampling_ratio = 2,
                                       .spatial_scale = 1.5F},
                         {image, in.boxes(), batch});
       };
       return std::vector{aligned("half_pixel"), aligned("output_half_pixel")};
     }},
    {"a branch", branching},
    {"a loop over what is picked", [](const Inputs& in) { return collecting(in, false); }},
    {"a loop that stops early", [](const Inputs& in) { return collecting(in, true); }},
};

class BoundedSizesTest : public testing::TestWithParam<Case> {};

std::vector<Tensor> some_inputs(int seed) {
  Tensor x = Tensor::zeros(DType::f32, {kRows, 3}), flags = Tensor::zeros(DType::boolean, {kRows});
  uint32_t state = static_cast<uint32_t>(seed) * 2654435761U + 12345U;
  const auto next = [&] { return (state = state * 1664525U + 1013904223U) >> 8; };
  for (float& v : x.mutable_values<float>()) v = static_cast<float>(next() % 2000) / 1000 - 1;
  // None, all, and what falls between.
  for (auto& flag : flags.mutable_values<uint8_t>())
    flag = static_cast<uint8_t>(seed == 0 ? 0 : seed == 1 ? 1 : next() % 2);
  return {x, flags};
}

std::string difference(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape())
    return fmt::format("[{}] instead of [{}]", fmt::join(b.shape(), ", "),
                       fmt::join(a.shape(), ", "));
  if (a.dtype() != DType::f32)
    return a.nbytes() == 0 || std::memcmp(a.bytes().data(), b.bytes().data(), a.nbytes()) == 0
               ? ""
               : "other elements";
  for (size_t i = 0; i < static_cast<size_t>(a.count()); ++i) {
    const float x = a.values<float>()[i], y = b.values<float>()[i];
    if (!(std::fabs(x - y) <= 1e-5F * (1 + std::fabs(x))) && !(std::isnan(x) && std::isnan(y)))
      return fmt::format("{} instead of {} at {}", y, x, i);
  }
  return "";
}

TEST_P(BoundedSizesTest, WhatCountsIsTheSame) {
  ir::Graph graph;
  Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{kRows, 3}));
  Value* flags = graph.add_input("flags", ir::Type::tensor(DType::boolean, ir::Shape{kRows}));
  ir::Builder b(graph, tables().ops);
  const std::vector<Value*> results = GetParam().program(Inputs{Emit{b}, x, flags});
  ASSERT_TRUE(b.status());
  for (size_t i = 0; i < results.size(); ++i) {
    Value* result = b.emit_named("Identity", {results[i]});
    result->name = fmt::format("y{}", i);
    graph.add_output(result);
  }
  ASSERT_TRUE(ir::infer(graph, tables().ops));
  const auto bounded = ir::clone(graph);
  const auto outputs = bound_sizes(*bounded, tables().context);
  ASSERT_TRUE(outputs) << outputs.error().message();
  // Nothing is left whose size depends on the data.
  ir::for_each_node(*bounded, [](const ir::Node& node) {
    for (const Value* value : node.outputs()) {
      EXPECT_TRUE(value->shape() && ir::constant_dims(*value->shape()))
          << node.op << " " << value->type.str();
    }
    EXPECT_THAT(node.op,
                testing::Not(testing::AnyOf("NonZero", "NonMaxSuppression", "Unique", "If")));
  });
  ASSERT_TRUE(compose_roi_align(*bounded, tables().context));
  ASSERT_TRUE(cut_to_counts(*bounded, *outputs, tables().context));
  ASSERT_TRUE(ir::infer(*bounded, tables().ops));
  for (int seed = 0; seed < 12; ++seed) {
    const std::vector<Tensor> inputs = some_inputs(seed);
    const auto want = ir::evaluate(graph, tables().kernels, inputs);
    const auto got = ir::evaluate(*bounded, tables().kernels, inputs);
    ASSERT_TRUE(want) << want.error().message();
    ASSERT_TRUE(got) << got.error().message();
    ASSERT_EQ(want->size(), got->size());
    for (size_t i = 0; i < want->size(); ++i)
      EXPECT_EQ(difference((*want)[i], (*got)[i]), "") << "output " << i << ", seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, BoundedSizesTest, testing::ValuesIn(kCases), [](const auto& info) {
  std::string name = info.param.name;
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
});

// The message of what bound_sizes says against a program.
std::string refusal(const std::function<Value*(const Inputs&)>& program) {
  ir::Graph graph;
  Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{kRows, 3}));
  Value* flags = graph.add_input("flags", ir::Type::tensor(DType::boolean, ir::Shape{kRows}));
  ir::Builder b(graph, tables().ops);
  graph.add_output(program(Inputs{Emit{b}, x, flags}));
  EXPECT_TRUE(b.status());
  const auto outputs = bound_sizes(graph, tables().context);
  return outputs ? "" : outputs.error().message();
}

TEST(BoundedSizes, RowsThatCountWouldLieBetweenOthers) {
  EXPECT_THAT(refusal([](const Inputs& in) {
                return with(in, "Reshape", {{"allowzero", int64_t{0}}},
                            {in.e.transposed(in.picked()), in.e.b.ints({-1})});
              }),
              HasSubstr("would lie between others"));
}

TEST(BoundedSizes, AnOperatorWithoutARuleIsNamed) {
  EXPECT_THAT(refusal([](const Inputs& in) {
                return in.e.op("Det",
                               {in.e.op("MatMul", {in.picked(), in.e.transposed(in.picked())})});
              }),
              HasSubstr("Det cannot be given sizes"));
}

TEST(BoundedSizes, WithoutSizesOfTheDataNothingChanges) {
  ir::Graph graph;
  graph.symbols.push_back({.name = "N", .range = {1, 8}});
  Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{ir::Dim::symbol("N"), 3}));
  graph.symbols[0].source = x;
  graph.symbols[0].axis = 0;
  ir::Builder b(graph, tables().ops);
  graph.add_output(b.emit_named("Relu", {x}));
  EXPECT_FALSE(has_sizes_of_data(graph));
  const auto outputs = bound_sizes(graph, tables().context);
  ASSERT_TRUE(outputs);
  EXPECT_TRUE(outputs->empty());
  EXPECT_EQ(graph.outputs()[0]->type.str(), "f32[N, 3]");
}

// --- sorts

struct Sort {
  Dims dims;
  int64_t axis, k;
  bool largest;
};

class LargeSortsTest : public testing::TestWithParam<Sort> {};

TEST_P(LargeSortsTest, SortAsTopKDoes) {
  const Sort& sort = GetParam();
  for (const DType dtype : {DType::f32, DType::i64}) {
    ir::Graph graph;
    Value* x = graph.add_input("x", ir::Type::tensor(dtype, ir::to_shape(sort.dims)));
    ir::Builder b(graph, tables().ops);
    for (Value* value :
         b.emit_n(ops::TopK{.axis = sort.axis, .largest = sort.largest}, {x, b.ints({sort.k})}, 2))
      graph.add_output(b.emit_named("Identity", {value}));
    ASSERT_TRUE(b.status());
    const auto composed = ir::clone(graph);
    ASSERT_TRUE(compose_large_sorts(*composed, 4, tables().context));
    ir::for_each_node(*composed, [](const ir::Node& node) { EXPECT_NE(node.op, "TopK"); });
    // Few values, so that many are equal.
    Tensor in = Tensor::zeros(dtype, sort.dims);
    for (size_t i = 0; i < static_cast<size_t>(in.count()); ++i) {
      const auto v = static_cast<int64_t>((i * 7919 + 13) % 5);
      if (dtype == DType::f32)
        in.mutable_values<float>()[i] = v == 0   ? -INFINITY
                                        : v == 1 ? INFINITY
                                                 : static_cast<float>(v);
      else
        in.mutable_values<int64_t>()[i] = v == 0 ? std::numeric_limits<int64_t>::min() : v;
    }
    const auto want = ir::evaluate(graph, tables().kernels, std::span(&in, 1));
    const auto got = ir::evaluate(*composed, tables().kernels, std::span(&in, 1));
    ASSERT_TRUE(want && got);
    for (size_t i = 0; i < 2; ++i) {
      ASSERT_EQ((*want)[i].shape(), (*got)[i].shape());
      EXPECT_EQ(
          std::memcmp((*want)[i].bytes().data(), (*got)[i].bytes().data(), (*want)[i].nbytes()), 0)
          << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, LargeSortsTest,
                         testing::Values(Sort{{8}, 0, 8, true}, Sort{{13}, 0, 13, false},
                                         Sort{{13}, 0, 6, true}, Sort{{3, 9}, 1, 9, true},
                                         Sort{{9, 3}, 0, 7, false}, Sort{{2, 5, 2}, 1, 5, true}));

TEST(LargeSorts, SmallOnesStay) {
  ir::Graph graph;
  Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{9}));
  ir::Builder b(graph, tables().ops);
  graph.add_output(b.emit_n(ops::TopK{}, {x, b.ints({4})}, 2)[0]);
  ASSERT_TRUE(compose_large_sorts(graph, 4, tables().context));
  EXPECT_EQ(graph.outputs()[0]->producer->op, "TopK");
}

}  // namespace
}  // namespace tenon::passes
