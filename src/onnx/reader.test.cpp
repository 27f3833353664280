#include "onnx/reader.h"

#include "ir/verifier.h"
#include "onnx/testing.h"

namespace tenon::onnx {
namespace {

using namespace testing;

// The message has all four parts that an error must have.
void expect_complete(const Error& error) {
  EXPECT_FALSE(error.what.empty());
  EXPECT_FALSE(error.why.empty()) << error.message();
  EXPECT_FALSE(error.hint.empty()) << error.message();
}

Message x(std::vector<int64_t> dims = {2, 3}) { return value_info("x", DType::f32, dims); }
Message y(std::vector<int64_t> dims = {2, 3}) { return value_info("y", DType::f32, dims); }

std::vector<float> run(const ir::Graph& graph, std::vector<Tensor> inputs) {
  auto out = ir::evaluate(graph, tables().kernels, inputs);
  if (!out) {
    ADD_FAILURE() << out.error().message();
    return {};
  }
  const auto values = (*out)[0].values<float>();
  return {values.begin(), values.end()};
}

TEST(Reader, NamesEveryUnknownOperatorWithItsCount) {
  auto graph = read_bytes(model(
      {.inputs = list(x()),
       .outputs = list(y()),
       .nodes = list(node("Fancy", {"x"}, {"a"}, {}, "own", "first"), node("Relu", {"a"}, {"b"}),
                     node("Fancy", {"b"}, {"c"}, {}, "own"), node("Sparkle", {"c"}, {"y"}))}));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().kind, ErrorKind::unsupported);
  ASSERT_EQ(graph.error().details.size(), 2);
  EXPECT_EQ(graph.error().details[0].what, "own::Fancy (2 times)");
  EXPECT_EQ(graph.error().details[0].where.node, "first (Fancy)");
  EXPECT_EQ(graph.error().details[1].what, "Sparkle (1 time)");
  expect_complete(graph.error());
}

TEST(Reader, RefusesOpsetsItDoesNotKnow) {
  for (const int opset : {6, 29}) {
    auto graph = read_bytes(model({.inputs = list(x()),
                                   .outputs = list(y()),
                                   .nodes = list(node("Relu", {"x"}, {"y"})),
                                   .opset = opset}));
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().kind, ErrorKind::unsupported);
    expect_complete(graph.error());
  }
}

TEST(Reader, RefusesWhatIsNoModel) {
  for (const std::string& bytes : {std::string(), std::string("this is text, no model\n"),
                                   std::string(200, '\xff'), std::string(1000, '\0')}) {
    auto graph = read_bytes(bytes);
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().kind, ErrorKind::bad_file);
    expect_complete(graph.error());
  }
}

TEST(Reader, TakesNoCutModelForAWholeOne) {
  const std::string whole =
      model({.inputs = list(x()),
             .outputs = list(y()),
             .initializers = list(tensor("w", floats({3}, {1, 2, 3}))),
             .nodes = list(node("Add", {"x", "w"}, {"a"}), node("Relu", {"a"}, {"y"}))});
  ASSERT_TRUE(read_bytes(whole));
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(read_bytes(whole.substr(0, n))) << n;
}

TEST(Reader, RefusesInputsThatNothingComputes) {
  auto graph = read_bytes(model({.inputs = list(x()),
                                 .outputs = list(y()),
                                 .nodes = list(node("Relu", {"later"}, {"y"}, {}, "", "r"),
                                               node("Relu", {"x"}, {"later"}))}));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().kind, ErrorKind::bad_file);
  EXPECT_EQ(graph.error().where.node, "r (Relu)");
  EXPECT_NE(graph.error().why.find("'later'"), std::string::npos);
}

TEST(Reader, RefusesNamesUsedTwiceAndMissingOutputs) {
  EXPECT_FALSE(
      read_bytes(model({.inputs = list(x()),
                        .outputs = list(y()),
                        .nodes = list(node("Relu", {"x"}, {"y"}), node("Relu", {"x"}, {"y"}))})));
  EXPECT_FALSE(read_bytes(model({.inputs = list(x()), .outputs = list(y())})));
}

TEST(Reader, RefusesOperatorsNewerThanTheOpset) {
  auto graph = read_bytes(model({.inputs = list(x()),
                                 .outputs = list(y()),
                                 .nodes = list(node("Gelu", {"x"}, {"y"})),
                                 .opset = 17}));
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().why.find("appears in opset 20"), std::string::npos);
}

TEST(Reader, MakesSymbolsOfOpenDimensions) {
  auto graph = read_bytes(model({.inputs = list(x({-1, 3})),
                                 .outputs = list(y({-1, 3})),
                                 .nodes = list(node("Relu", {"x"}, {"y"}))}));
  ASSERT_TRUE(graph);
  ASSERT_EQ((*graph)->symbols.size(), 1);
  EXPECT_EQ((*graph)->symbols[0].source, (*graph)->inputs()[0]);
  EXPECT_EQ((*graph)->symbols[0].axis, 0);
  EXPECT_EQ((*graph)->outputs()[0]->type.str(), "f32[x_0, 3]");
}

TEST(Reader, TakesInputsWithDefaultsForConstants) {
  auto graph = read_bytes(model({.inputs = list(x(), value_info("w", DType::f32, {3})),
                                 .outputs = list(y()),
                                 .initializers = list(tensor("w", floats({3}, {1, 2, 3}))),
                                 .nodes = list(node("Add", {"x", "w"}, {"y"}))}));
  ASSERT_TRUE(graph);
  EXPECT_EQ((*graph)->inputs().size(), 1);
}

// f(a; axis) = softmax(a, axis) + a, called with axis = 0 and by its default 1.
TEST(Reader, InlinesFunctionsWithTheirAttributes) {
  Message f;
  f.text(1, "F");
  f.text(4, "a");
  f.text(5, "b");
  f.message(7, node("Softmax", {"a"}, {"s"}, list(reference_attribute("axis", "axis"))));
  f.message(7, node("Add", {"s", "a"}, {"b"}));
  f.message(9, opset_id("", 17));
  f.text(10, "own");
  f.message(11, int_attribute("axis", 1));
  auto graph = read_bytes(
      model({.inputs = list(x()),
             .outputs = list(y()),
             .nodes = list(node("F", {"x"}, {"m"}, list(int_attribute("axis", 0)), "own", "one"),
                           node("F", {"m"}, {"y"}, {}, "own", "two")),
             .functions = list(std::move(f))}));
  ASSERT_TRUE(graph) << graph.error().message();
  std::vector<int64_t> axes;
  std::vector<std::string> names;
  for (const auto& n : (*graph)->nodes()) {
    if (n->op != "Softmax") continue;
    axes.push_back(n->attributes.get<int64_t>("axis", -9));
    names.push_back(n->output()->name);
  }
  EXPECT_EQ(axes, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(names, (std::vector<std::string>{"one/s", "two/s"}));
}

TEST(Reader, StopsFunctionsThatCallThemselves) {
  Message f;
  f.text(1, "F");
  f.text(4, "a");
  f.text(5, "b");
  f.message(7, node("F", {"a"}, {"c"}, {}, "own"));
  f.message(7, node("F", {"c"}, {"b"}, {}, "own"));
  f.text(10, "own");
  auto graph = read_bytes(model({.inputs = list(x()),
                                 .outputs = list(y()),
                                 .nodes = list(node("F", {"x"}, {"y"}, {}, "own")),
                                 .functions = list(std::move(f))}));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().kind, ErrorKind::bad_file);
}

TEST(Reader, BoundsWhatFunctionsUnfoldTo) {
  // 2^20 nodes from 21 functions of two calls each.
  std::vector<Message> functions;
  for (int i = 0; i <= 20; ++i) {
    const std::string name = "F" + std::to_string(i), next = "F" + std::to_string(i + 1);
    Message f;
    f.text(1, name);
    f.text(4, "a");
    f.text(5, "b");
    const std::string_view op = i == 20 ? "Relu" : std::string_view(next);
    const std::string_view domain = i == 20 ? "" : "own";
    f.message(7, node(op, {"a"}, {"c"}, {}, domain));
    f.message(7, node(op, {"c"}, {"b"}, {}, domain));
    f.text(10, "own");
    functions.push_back(std::move(f));
  }
  auto graph = read_bytes(model({.inputs = list(x()),
                                 .outputs = list(y()),
                                 .nodes = list(node("F0", {"x"}, {"y"}, {}, "own")),
                                 .functions = std::move(functions)}),
                          {.max_nodes = 10'000});
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().why.find("10000 nodes"), std::string::npos);
}

TEST(Reader, ReadsBranchesThatUseOuterValues) {
  auto branch = [](std::string_view op) {
    return graph({.outputs = list(value_info("r", DType::f32, {2, 3})),
                  .nodes = list(node(op, {"x", "x"}, {"r"}))});
  };
  auto graph =
      read_bytes(model({.inputs = list(x(), value_info("c", DType::boolean, {})),
                        .outputs = list(y()),
                        .nodes = list(node("If", {"c"}, {"y"},
                                           list(graph_attribute("then_branch", branch("Add")),
                                                graph_attribute("else_branch", branch("Mul")))))}));
  ASSERT_TRUE(graph) << graph.error().message();
  ASSERT_TRUE(ir::verify(**graph, tables().ops, "reading"));
  const Tensor in = floats({2, 3}, {0, 1, 2, 3, 4, 5});
  for (const bool yes : {true, false}) {
    Tensor condition = Tensor::zeros(DType::boolean, {});
    condition.mutable_values<uint8_t>()[0] = yes;
    EXPECT_EQ(run(**graph, {in, condition}), yes ? (std::vector<float>{0, 2, 4, 6, 8, 10})
                                                 : (std::vector<float>{0, 1, 4, 9, 16, 25}));
  }
}

TEST(Reader, ReadsLoops) {
  // y = x doubled three times.
  Message body = graph(
      {.inputs = list(value_info("i", DType::i64, {}), value_info("go", DType::boolean, {}),
                      value_info("v", DType::f32, {2, 3})),
       .outputs = list(value_info("on", DType::boolean, {}), value_info("w", DType::f32, {2, 3})),
       .nodes = list(node("Identity", {"go"}, {"on"}), node("Add", {"v", "v"}, {"w"}))});
  auto graph =
      read_bytes(model({.inputs = list(x()),
                        .outputs = list(y()),
                        .initializers = list(tensor("n", Tensor::scalar_i64(3))),
                        .nodes = list(node("Loop", {"n", "", "x"}, {"y"},
                                           list(graph_attribute("body", std::move(body)))))}));
  ASSERT_TRUE(graph) << graph.error().message();
  ASSERT_TRUE(ir::verify(**graph, tables().ops, "reading"));
  EXPECT_EQ(run(**graph, {floats({2, 3}, {0, 1, 2, 3, 4, 5})}),
            (std::vector<float>{0, 8, 16, 24, 32, 40}));
}

TEST(Reader, RefusesGraphsNestedTooDeeply) {
  Message inner = graph({.outputs = list(value_info("r", DType::f32, {2, 3})),
                         .nodes = list(node("Relu", {"x"}, {"r"}))});
  for (int i = 0; i < 200; ++i) {
    Message other = graph({.outputs = list(value_info("r", DType::f32, {2, 3})),
                           .nodes = list(node("Relu", {"x"}, {"r"}))});
    inner = graph({.outputs = list(value_info("r", DType::f32, {2, 3})),
                   .nodes = list(node("If", {"c"}, {"r"},
                                      list(graph_attribute("then_branch", std::move(inner)),
                                           graph_attribute("else_branch", std::move(other)))))});
  }
  Message whole;
  whole.integer(1, 8);
  whole.message(8, opset_id("", 17));
  whole.message(7, std::move(inner));
  auto graph = read_bytes(whole.str());
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().why.find("nested too deeply"), std::string::npos);
}

// Softmax of opset 12 takes the axes from its own on together.
TEST(Reader, KeepsTheMeaningOfOldSoftmax) {
  auto graph = read_bytes(
      model({.inputs = list(x()),
             .outputs = list(y()),
             .nodes = list(node("Softmax", {"x"}, {"y"}, list(int_attribute("axis", 0)))),
             .opset = 12}));
  ASSERT_TRUE(graph) << graph.error().message();
  float sum = 0;
  for (const float v : run(**graph, {floats({2, 3}, {0, 1, 2, 3, 4, 5})})) sum += v;
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(Reader, RefusesTraining) {
  auto graph =
      read_bytes(model({.inputs = list(x()),
                        .outputs = list(y()),
                        .initializers = list(tensor("w", floats({3}, {1, 2, 3}))),
                        .nodes = list(node("BatchNormalization", {"x", "w", "w", "w", "w"}, {"y"},
                                           list(int_attribute("training_mode", 1))))}));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().kind, ErrorKind::unsupported);
  expect_complete(graph.error());
}

TEST(Reader, RefusesAttributesThatTheOperatorLacks) {
  auto graph = read_bytes(
      model({.inputs = list(x()),
             .outputs = list(y()),
             .nodes = list(node("Relu", {"x"}, {"y"}, list(int_attribute("speed", 9))))}));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().kind, ErrorKind::bad_file);
  EXPECT_NE(graph.error().message().find("speed"), std::string::npos);
}

}  // namespace
}  // namespace tenon::onnx
