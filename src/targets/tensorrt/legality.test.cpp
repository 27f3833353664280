#include "targets/tensorrt/legality.h"

#include <gmock/gmock.h>

#include "onnx/lower.h"
#include "onnx/testing.h"
#include "targets/tensorrt/dla.h"

namespace tenon::tensorrt {
namespace {

using namespace onnx::testing;
using onnx::Message;
using ::testing::HasSubstr;

// The model as a file of the opset holds it.
std::unique_ptr<ir::Graph> lowered(ModelParts parts, int opset) {
  parts.opset = opset;
  auto graph = read_bytes(onnx::testing::model(std::move(parts)));
  EXPECT_TRUE(graph) << graph.error().message();
  if (!graph) return nullptr;
  const auto ok = onnx::lower(**graph, {.opset = opset}, tables().ops, tables().mappings);
  EXPECT_TRUE(ok) << ok.error().message();
  return std::move(*graph);
}

// What the release says against the graph; empty where it takes all of it.
std::string against(const ir::Graph& graph, std::string_view target, LegalityOptions options) {
  const Status ok = check(graph, *parse_release(target), options);
  if (ok) return {};
  EXPECT_EQ(ok.error().kind, ErrorKind::unsupported);
  return ok.error().message();
}
std::string against(ModelParts parts, int opset, std::string_view target) {
  const auto graph = lowered(std::move(parts), opset);
  return graph ? against(*graph, target, {.opset = opset}) : "no graph";
}

Tensor ints(Dims dims, std::vector<int64_t> values) {
  return Tensor::of<int64_t>(DType::i64, std::move(dims), values);
}
// One node on x, which gives y.
ModelParts unary(std::string_view op, DType dtype, std::vector<int64_t> dims,
                 std::vector<Message> attributes = {}, DType result = DType::undefined) {
  ModelParts out;
  out.inputs = list(value_info("x", dtype, dims));
  out.nodes = list(node(op, {"x"}, {"y"}, std::move(attributes), "", "the_node"));
  out.outputs = list(value_info("y", result == DType::undefined ? dtype : result, {-1}));
  return out;
}
Message text_attribute(std::string_view name, std::string_view value) {
  Message out;
  out.text(1, name);
  out.text(4, value);
  out.integer(20, onnx::proto::kString);
  return out;
}

ModelParts layer_norm() {
  ModelParts out;
  out.inputs = list(value_info("x", DType::f32, {2, 4}));
  out.initializers = list(tensor("scale", floats({4}, {1, 1, 1, 1})));
  out.nodes = list(node("LayerNormalization", {"x", "scale"}, {"y"}));
  out.outputs = list(value_info("y", DType::f32, {2, 4}));
  return out;
}

TEST(Legality, LayerNormalizationFrom86On) {
  EXPECT_THAT(against(layer_norm(), 17, "jetpack5.1"),
              HasSubstr("TensorRT 8.5.2 (JetPack 5.1) has no LayerNormalization"));
  EXPECT_THAT(against(layer_norm(), 17, "tensorrt:8.4"), HasSubstr("use --opset 16"));
  for (const auto target : {"tensorrt:8.6", "jetpack6.2", "tensorrt:11.5", "tensorrt-rtx"})
    EXPECT_EQ(against(layer_norm(), 17, target), "") << target;
}

ModelParts grid_sample(std::vector<int64_t> image, std::vector<int64_t> grid) {
  ModelParts out;
  out.inputs = list(value_info("x", DType::f32, image), value_info("grid", DType::f32, grid));
  out.nodes = list(node("GridSample", {"x", "grid"}, {"y"}, {}, "", "sample"));
  out.outputs = list(value_info("y", DType::f32, image));
  return out;
}

TEST(Legality, GridSampleFrom85OnAndOfPlanes) {
  const std::vector<int64_t> image = {1, 2, 4, 4}, grid = {1, 4, 4, 2};
  EXPECT_THAT(against(grid_sample(image, grid), 16, "tensorrt:8.4"),
              HasSubstr("its parser takes it from 8.5 on"));
  EXPECT_EQ(against(grid_sample(image, grid), 16, "tensorrt:8.5"), "");
  const std::string solid =
      against(grid_sample({1, 2, 4, 4, 4}, {1, 4, 4, 4, 3}), 20, "tensorrt:10.3");
  EXPECT_THAT(solid, HasSubstr("does not take this GridSample"));
  EXPECT_THAT(solid, HasSubstr("it takes rank 4, and this is of rank 5"));
  EXPECT_THAT(solid, HasSubstr("node: sample"));
}

TEST(Legality, DetNowhere) {
  for (const auto target : {"tensorrt:8.2", "jetpack5.1", "tensorrt", "tensorrt-rtx"}) {
    const std::string said = against(unary("Det", DType::f32, {2, 3, 3}), 13, target);
    EXPECT_THAT(said, HasSubstr("has no Det")) << target;
    EXPECT_THAT(said, HasSubstr("node: the_node"));
    EXPECT_THAT(said, HasSubstr("try: "));
  }
}

TEST(Legality, NonZeroFrom85On) {
  const auto parts = [] { return unary("NonZero", DType::f32, {3, 4}, {}, DType::i64); };
  EXPECT_THAT(against(parts(), 13, "tensorrt:8.4"), HasSubstr("has no NonZero"));
  EXPECT_EQ(against(parts(), 13, "jetpack5.1"), "");
  EXPECT_EQ(against(parts(), 13, "tensorrt:10.15"), "");
  EXPECT_THAT(against(parts(), 13, "tensorrt-rtx"), HasSubstr("TensorRT-RTX 1.7 has no NonZero"));
}

ModelParts boxes() {
  ModelParts out;
  out.inputs =
      list(value_info("boxes", DType::f32, {1, 6, 4}), value_info("scores", DType::f32, {1, 1, 6}));
  out.initializers = list(tensor("most", ints({1}, {3})));
  out.nodes = list(node("NonMaxSuppression", {"boxes", "scores", "most"}, {"y"}));
  out.outputs = list(value_info("y", DType::i64, {-1, 3}));
  return out;
}

TEST(Legality, NonMaxSuppressionAsOnnxHasItFrom85On) {
  EXPECT_THAT(against(boxes(), 13, "tensorrt:8.4"), HasSubstr("a fixed number of boxes"));
  EXPECT_EQ(against(boxes(), 13, "tensorrt:8.5"), "");
  EXPECT_THAT(against(boxes(), 13, "tensorrt-rtx"), HasSubstr("has no NonMaxSuppression"));
}

ModelParts integer_sum(int64_t addend, std::vector<int64_t> dims) {
  ModelParts out = unary("Identity", DType::i64, dims);
  out.initializers = list(tensor("addend", ints({}, {addend})));
  out.nodes = list(node("Add", {"x", "addend"}, {"y"}));
  return out;
}

TEST(Legality, Int64IsInt32In8) {
  for (const auto target : {"tensorrt:8.2", "tensorrt:8.6", "tensorrt:10.0", "tensorrt-rtx"})
    EXPECT_EQ(against(integer_sum(5, {2, 3}), 13, target), "") << target;
  const int64_t large = int64_t{1} << 40;
  EXPECT_THAT(against(integer_sum(large, {2, 3}), 13, "jetpack5.1"),
              HasSubstr("has no integer 1099511627776"));
  EXPECT_EQ(against(integer_sum(large, {2, 3}), 13, "tensorrt:10.0"), "");
}

TEST(Legality, EndsOfSlicesMayMeanAllOfIt) {
  ModelParts parts = unary("Identity", DType::f32, {5});
  parts.initializers = list(tensor("from", ints({1}, {1})), tensor("to", ints({1}, {INT64_MAX})));
  parts.nodes = list(node("Slice", {"x", "from", "to"}, {"y"}));
  EXPECT_EQ(against(std::move(parts), 13, "jetpack5.1"), "");
}

TEST(Legality, SizesAreComputedWhateverTheTableLists) {
  // 8.x lists no INT32 for Pow.
  const auto powers = [](std::vector<int64_t> dims) {
    ModelParts parts = unary("Identity", DType::i32, std::move(dims));
    parts.nodes = list(node("Pow", {"x", "x"}, {"y"}));
    return parts;
  };
  EXPECT_EQ(against(powers({4}), 13, "jetpack5.1"), "");
  EXPECT_THAT(against(powers({4, 4}), 13, "jetpack5.1"), HasSubstr("takes no Pow of i32"));
  EXPECT_EQ(against(powers({4, 4}), 13, "tensorrt:10.12"), "");
  EXPECT_THAT(against(powers({4, 4}), 13, "tensorrt:10.11"), HasSubstr("it takes f32, f16, bf16"));
}

TEST(Legality, TypesThatNoReleaseHas) {
  for (const auto target : {"tensorrt:8.2", "tensorrt", "tensorrt-rtx"}) {
    EXPECT_THAT(against(unary("Sin", DType::f64, {3}), 13, target),
                HasSubstr("has no tensors of f64"))
        << target;
    EXPECT_THAT(against(unary("Identity", DType::string, {3}), 13, target),
                HasSubstr("has no tensors of string"))
        << target;
    EXPECT_THAT(against(unary("Identity", DType::i16, {3}), 13, target),
                HasSubstr("has no tensors of i16"))
        << target;
  }
}

TEST(Legality, TypesThatNewerReleasesHave) {
  EXPECT_THAT(against(unary("Sin", DType::bf16, {3}), 22, "jetpack5.1"),
              HasSubstr("has no tensors of bf16"));
  EXPECT_EQ(against(unary("Sin", DType::bf16, {3}), 22, "tensorrt:10.6"), "");
  const auto image = [] {
    return unary("Cast", DType::u8, {3}, list(int_attribute("to", 1)), DType::f32);
  };
  EXPECT_THAT(against(image(), 13, "tensorrt:8.4"), HasSubstr("has no tensors of u8"));
  EXPECT_EQ(against(image(), 13, "tensorrt:8.6"), "");
}

TEST(Legality, RanksAboveEight) {
  EXPECT_EQ(against(unary("Relu", DType::f32, std::vector<int64_t>(8, 1)), 13, "jetpack5.1"), "");
  EXPECT_THAT(against(unary("Relu", DType::f32, std::vector<int64_t>(9, 1)), 13, "tensorrt"),
              HasSubstr("has no tensors of rank 9"));
}

TEST(Legality, SequencesNowhere) {
  ModelParts parts = unary("Identity", DType::f32, {4});
  parts.nodes =
      list(node("SequenceConstruct", {"x", "x"}, {"s"}), node("SequenceLength", {"s"}, {"y"}));
  parts.outputs = list(value_info("y", DType::i64, {}));
  const std::string said = against(std::move(parts), 13, "tensorrt");
  EXPECT_THAT(said, HasSubstr("has no SequenceConstruct"));
  EXPECT_THAT(said, HasSubstr("has no SequenceLength"));
}

TEST(Legality, EqualProblemsStandOnceAndAllOfThemStand) {
  ModelParts parts = unary("Identity", DType::f32, {2, 3, 3});
  parts.nodes = list(node("Det", {"x"}, {"a"}), node("Det", {"x"}, {"b"}),
                     node("Add", {"a", "b"}, {"c"}), node("Unique", {"c"}, {"y"}));
  const std::string said = against(std::move(parts), 13, "tensorrt:10.3");
  EXPECT_THAT(said, HasSubstr("TensorRT 10.3 cannot take the model, for 2 reasons"));
  EXPECT_THAT(said, HasSubstr("has no Det (2 times, first here)"));
  EXPECT_THAT(said, HasSubstr("has no Unique"));
}

TEST(Legality, OpsetsThatTheParserKnows) {
  const auto graph = lowered(unary("Relu", DType::f32, {3}), 17);
  EXPECT_EQ(against(*graph, "tensorrt:8.4", {.opset = 17}), "");
  EXPECT_THAT(against(*graph, "tensorrt:8.2", {.opset = 17}), HasSubstr("use --opset 13"));
}

// --- one case a restriction: what is refused where, and what is taken

TEST(Restrictions, ReductionsOfScatters) {
  const auto scatter = [](std::string_view reduction) {
    ModelParts parts = unary("Identity", DType::f32, {4});
    parts.initializers = list(tensor("at", ints({1}, {2})), tensor("new", floats({1}, {1})));
    parts.nodes = list(node("ScatterElements", {"x", "at", "new"}, {"y"},
                            list(text_attribute("reduction", reduction))));
    return parts;
  };
  EXPECT_EQ(against(scatter("none"), 16, "tensorrt:8.4"), "");
  EXPECT_THAT(against(scatter("add"), 16, "tensorrt:8.6"), HasSubstr("its reduction is 'add'"));
  EXPECT_EQ(against(scatter("add"), 16, "tensorrt:10.0"), "");
  EXPECT_THAT(against(scatter("add"), 16, "tensorrt-rtx"), HasSubstr("its reduction is 'add'"));
}

TEST(Restrictions, HowManyTopKFinds) {
  const auto top = [](int64_t k) {
    ModelParts parts = unary("Identity", DType::f32, {5000});
    parts.initializers = list(tensor("k", ints({1}, {k})));
    parts.nodes = list(node("TopK", {"x", "k"}, {"y", "at"}));
    return parts;
  };
  EXPECT_EQ(against(top(3840), 13, "tensorrt:8.2"), "");
  EXPECT_THAT(against(top(3841), 13, "tensorrt:8.2"), HasSubstr("this asks for 3841"));
  EXPECT_THAT(against(top(3841), 13, "tensorrt"), HasSubstr("3840 elements at most"));
}

TEST(Restrictions, ComputedK) {
  const auto top = [] {
    ModelParts parts = unary("Identity", DType::f32, {50});
    parts.inputs = list(value_info("x", DType::f32, {50}), value_info("k", DType::i64, {1}));
    parts.nodes = list(node("TopK", {"x", "k"}, {"y", "at"}));
    return parts;
  };
  EXPECT_THAT(against(top(), 13, "jetpack5.1"), HasSubstr("its k has to be a constant"));
  EXPECT_EQ(against(top(), 13, "tensorrt:8.6"), "");
}

TEST(Restrictions, CubicResizes) {
  const auto resize = [](std::vector<float> scales, std::string_view how) {
    ModelParts parts = unary("Identity", DType::f32, {1, 2, 4, 4});
    parts.initializers = list(tensor("scales", floats({4}, std::move(scales))));
    parts.nodes = list(node("Resize", {"x", "", "scales"}, {"y"},
                            list(text_attribute("mode", "cubic"),
                                 text_attribute("coordinate_transformation_mode", how))));
    return parts;
  };
  EXPECT_THAT(against(resize({1, 1, 2, 2}, "half_pixel"), 13, "tensorrt:8.4"),
              HasSubstr("'cubic'"));
  EXPECT_EQ(against(resize({1, 1, 2, 2}, "half_pixel"), 13, "tensorrt:8.5"), "");
  EXPECT_THAT(against(resize({1, 2, 2, 2}, "half_pixel"), 13, "tensorrt:8.5"),
              HasSubstr("last two axes"));
}

TEST(Restrictions, ResizesToSizesOfSomeAxes) {
  const auto resize = [](int64_t batch) {
    ModelParts parts = unary("Identity", DType::f32, {batch, 2, 4, 4});
    const std::vector<int64_t> sizes = {8, 8};
    parts.initializers = list(tensor("sizes", Tensor::vector_i64(sizes)));
    parts.nodes =
        list(node("Resize", {"x", "", "", "sizes"}, {"y"},
                  list(text_attribute("mode", "linear"), ints_attribute("axes", {2, 3}))));
    return parts;
  };
  for (const char* target : {"tensorrt-rtx", "jetpack6.2"}) {
    EXPECT_EQ(against(resize(1), 18, target), "") << target;
    EXPECT_THAT(against(resize(-1), 18, target), HasSubstr("where the others are fixed")) << target;
  }
}

TEST(Restrictions, IndicesAndDilationsOfPools) {
  const auto pool = [](std::vector<Message> attributes, Names outputs) {
    ModelParts parts = unary("Identity", DType::f32, {1, 2, 8, 8});
    attributes.push_back(ints_attribute("kernel_shape", {2, 2}));
    parts.nodes = list(node("MaxPool", {"x"}, outputs, std::move(attributes)));
    if (outputs.size() > 1) parts.outputs.push_back(value_info("at", DType::i64, {-1}));
    return parts;
  };
  EXPECT_EQ(against(pool({}, {"y"}), 13, "tensorrt:8.2"), "");
  EXPECT_THAT(against(pool({}, {"y", "at"}), 13, "tensorrt"), HasSubstr("it gives no indices"));
  EXPECT_THAT(against(pool(list(ints_attribute("dilations", {2, 2})), {"y"}), 13, "tensorrt-rtx"),
              HasSubstr("it has no dilations"));
}

TEST(Restrictions, ReductionsOfScalars) {
  const auto sum = [](std::vector<int64_t> dims) {
    return unary("ReduceSum", DType::f32, std::move(dims));
  };
  EXPECT_THAT(against(sum({}), 13, "tensorrt"), HasSubstr("this is of rank 0"));
  EXPECT_EQ(against(sum({3}), 13, "tensorrt"), "");
  EXPECT_THAT(against(unary("Softmax", DType::f32, {3}), 13, "tensorrt-rtx"),
              HasSubstr("this is of rank 1"));
  EXPECT_EQ(against(unary("Softmax", DType::f32, {3, 3}), 13, "tensorrt-rtx"), "");
}

TEST(Restrictions, AttentionThatIsFused) {
  const auto attention = [](DType dtype, int64_t size, std::vector<Message> attributes = {}) {
    ModelParts parts = unary("Identity", dtype, {1, 8, 16, size});
    parts.nodes = list(node("Attention", {"x", "x", "x"}, {"y"}, std::move(attributes)));
    return parts;
  };
  EXPECT_EQ(against(attention(DType::f16, 64), 23, "tensorrt-rtx"), "");
  EXPECT_THAT(against(attention(DType::f16, 8), 23, "tensorrt-rtx"), HasSubstr("and these 8"));
  EXPECT_THAT(against(attention(DType::f32, 64), 23, "tensorrt-rtx"),
              HasSubstr("takes no Attention of f32"));
  EXPECT_EQ(against(attention(DType::f32, 64), 23, "tensorrt:10.14"), "");
  EXPECT_THAT(
      against(attention(DType::f32, 64, list(float_attribute("softcap", 2))), 23, "tensorrt:10.15"),
      HasSubstr("it has no softcap"));
}

TEST(Restrictions, EquationsOfEinsum) {
  const auto einsum = [](std::string_view equation, std::vector<int64_t> a,
                         std::vector<int64_t> b) {
    ModelParts parts = unary("Identity", DType::f32, {1});
    parts.inputs = list(value_info("a", DType::f32, a), value_info("b", DType::f32, b));
    parts.nodes =
        list(node("Einsum", {"a", "b"}, {"y"}, list(text_attribute("equation", equation))));
    return parts;
  };
  EXPECT_EQ(against(einsum("ij,jk->ik", {2, 3}, {3, 4}), 13, "tensorrt:8.2"), "");
  EXPECT_THAT(against(einsum("...ij,...jk->...ik", {2, 2, 3}, {2, 3, 4}), 13, "jetpack6.2"),
              HasSubstr("ellipsis"));
  EXPECT_EQ(against(einsum("...ij,...jk->...ik", {2, 2, 3}, {2, 3, 4}), 13, "tensorrt:10.12"), "");
  EXPECT_THAT(against(einsum("ii,ij->ij", {3, 3}, {3, 4}), 13, "tensorrt:8.6"),
              HasSubstr("no diagonal"));
  EXPECT_THAT(against(einsum("bij,bjk->bik", {1, 2, 3}, {4, 3, 4}), 13, "tensorrt:8.6"),
              HasSubstr("does not broadcast"));
}

TEST(Restrictions, ZeroPoints) {
  const auto quantise = [](int8_t zero) {
    ModelParts parts = unary("Identity", DType::f32, {4}, {}, DType::i8);
    const std::vector<int8_t> zeros{zero};
    parts.initializers = list(tensor("scale", floats({}, {0.5F})),
                              tensor("zero", Tensor::of<int8_t>(DType::i8, {}, zeros)));
    parts.nodes = list(node("QuantizeLinear", {"x", "scale", "zero"}, {"y"}));
    return parts;
  };
  EXPECT_EQ(against(quantise(0), 13, "tensorrt:8.2"), "");
  EXPECT_THAT(against(quantise(3), 13, "tensorrt"), HasSubstr("its zero point has to be 0"));
}

TEST(Restrictions, AxesThatAreComputed) {
  const auto slice = [] {
    ModelParts parts = unary("Identity", DType::f32, {4, 5});
    parts.inputs = list(value_info("x", DType::f32, {4, 5}), value_info("axes", DType::i64, {1}));
    parts.initializers = list(tensor("from", ints({1}, {0})), tensor("to", ints({1}, {2})));
    parts.nodes = list(node("Slice", {"x", "from", "to", "axes"}, {"y"}));
    return parts;
  };
  EXPECT_THAT(against(slice(), 13, "tensorrt:10.2"), HasSubstr("its axes has to be a constant"));
  EXPECT_EQ(against(slice(), 13, "tensorrt:10.3"), "");
}

// A loop that carries a value and collects another.
ModelParts loop(std::vector<int64_t> after) {
  ModelParts body;
  body.inputs = list(value_info("i", DType::i64, {}), value_info("go", DType::boolean, {}),
                     value_info("v", DType::f32, {3}));
  body.nodes =
      list(node("Identity", {"go"}, {"on"}), node("Relu", {"v"}, {"w"}), node("Exp", {"v"}, {"e"}));
  if (after.size() == 1 && after[0] == 6)
    body.nodes = list(node("Identity", {"go"}, {"on"}),
                      node("Concat", {"v", "v"}, {"w"}, list(int_attribute("axis", 0))),
                      node("Exp", {"v"}, {"e"}));
  body.outputs = list(value_info("on", DType::boolean, {}), value_info("w", DType::f32, after),
                      value_info("e", DType::f32, {3}));
  ModelParts out;
  out.inputs = list(value_info("x", DType::f32, {3}), value_info("turns", DType::i64, {}),
                    value_info("start", DType::boolean, {}));
  out.nodes = list(node("Loop", {"turns", "start", "x"}, {"y", "all"},
                        list(graph_attribute("body", onnx::testing::graph(std::move(body))))));
  out.outputs = list(value_info("y", DType::f32, {3}), value_info("all", DType::f32, {-1, 3}));
  return out;
}

TEST(Restrictions, LoopsThatCollectAnUnknownNumber) {
  EXPECT_EQ(against(loop({3}), 13, "jetpack5.1"), "");
  EXPECT_THAT(against(loop({3}), 13, "tensorrt:10.3"), HasSubstr("their number is not fixed"));
  EXPECT_EQ(against(loop({3}), 13, "tensorrt-rtx"), "");
}

// --- DLA

ModelParts convolution(std::vector<int64_t> image, std::initializer_list<int64_t> strides) {
  ModelParts out = unary("Identity", DType::f32, image);
  out.initializers = list(tensor("w", Tensor::zeros(DType::f32, {2, 2, 3, 3})));
  out.nodes =
      list(node("Conv", {"x", "w"}, {"c"}, list(ints_attribute("strides", strides)), "", "conv"),
           node("Erf", {"c"}, {"y"}, {}, "", "erf"));
  return out;
}
std::vector<std::string> fallbacks(ModelParts parts, std::string_view target) {
  std::vector<std::string> out;
  const auto graph = lowered(std::move(parts), 13);
  for (const DlaFallback& f : dla_fallbacks(*graph, *parse_release(target)))
    out.push_back(f.node->op + ": " + f.why);
  return out;
}

TEST(Dla, LeavesToTheGpuWhatItHasNoLayerFor) {
  using ::testing::ElementsAre;
  EXPECT_THAT(fallbacks(convolution({1, 2, 32, 32}, {1, 1}), "jetpack5.1"),
              ElementsAre("Erf: it has no such layer"));
  EXPECT_THAT(fallbacks(convolution({1, 2, 32, 32}, {9, 9}), "jetpack5.1"),
              ElementsAre("Conv: its strides go from 1 to 8", "Erf: it has no such layer"));
  EXPECT_THAT(fallbacks(convolution({-1, 2, 32, 32}, {1, 1}), "jetpack6.2"),
              ElementsAre("Conv: it takes tensors of fixed sizes", "Erf: it has no such layer"));
  EXPECT_THAT(fallbacks(convolution({1, 2, 32, 32}, {1, 1}), "tensorrt:10.8"),
              ElementsAre("Conv: the release has no DLA", "Erf: the release has no DLA"));
}

TEST(Dla, IsRefusedWhereTheReleaseHasNone) {
  const auto graph = lowered(unary("Relu", DType::f32, {1, 2, 8, 8}), 13);
  EXPECT_EQ(against(*graph, "jetpack6.2", {.opset = 13, .dla = true}), "");
  EXPECT_THAT(against(*graph, "tensorrt:11.0", {.opset = 13, .dla = true}),
              HasSubstr("has no DLA"));
}

// --- small integers

ModelParts with_constant(std::string_view op, DType dtype, DType result) {
  ModelParts out = unary(op, dtype, {2}, {}, result);
  out.initializers = list(tensor("c", Tensor::zeros(dtype, {2})));
  out.nodes = list(node(op, {"x", "c"}, {"y"}));
  return out;
}

TEST(Legality, RtxHasNoConstantsOfBytes) {
  EXPECT_THAT(against(with_constant("Add", DType::i8, DType::i8), 17, "tensorrt-rtx"),
              HasSubstr("constants of i8 for DequantizeLinear alone"));
  EXPECT_THAT(against(with_constant("Equal", DType::u8, DType::boolean), 19, "tensorrt-rtx"),
              HasSubstr("makes i32 of constants of u8"));
  EXPECT_EQ(against(with_constant("Add", DType::i32, DType::i32), 17, "tensorrt-rtx"), "");
}

TEST(Legality, RtxComparesNoUnsignedBytes) {
  for (const std::string_view op : {"Greater", "LessOrEqual", "Max"}) {
    ModelParts parts = unary(op, DType::u8, {2}, {}, op == "Max" ? DType::u8 : DType::boolean);
    parts.nodes = list(node(op, {"x", "x"}, {"y"}));
    EXPECT_THAT(against(std::move(parts), 17, "tensorrt-rtx"), HasSubstr("it takes no u8 there"));
  }
}

}  // namespace
}  // namespace tenon::tensorrt
