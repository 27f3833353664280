#include "torch/exported/program.h"

#include <gtest/gtest.h>

#include <cmath>

#include "archive/zip.h"

namespace tenon::torch::exported {
namespace {

using Kind = Argument::Kind;

std::string testdata(const std::string& name) {
  return TENON_SOURCE_DIR "/src/torch/exported/testdata/" + name;
}

Program read(const std::string& name) {
  auto program = read_program(testdata(name));
  EXPECT_TRUE(program) << program.error().message();
  return std::move(program).value();
}

std::string json_of(const std::string& name) {
  const auto zip = archive::ZipReader::open(testdata(name + ".pt2"));
  EXPECT_TRUE(zip);
  return std::string(zip->read(name + "/models/model.json")->text());
}

const Node& node(const Graph& graph, std::string_view target) {
  for (const Node& node : graph.nodes) {
    if (node.target == target) return node;
  }
  ADD_FAILURE() << target;
  return graph.nodes[0];
}

const Argument& input(const Node& node, std::string_view name) {
  for (const NamedArgument& argument : node.inputs) {
    if (argument.name == name) return argument.value;
  }
  ADD_FAILURE() << name;
  return node.inputs[0].value;
}

std::vector<float> floats(const archive::StoredTensor& stored) {
  const auto tensor = archive::materialize(stored, {});
  EXPECT_TRUE(tensor) << tensor.error().message();
  return {tensor->values<float>().begin(), tensor->values<float>().end()};
}

class MixedProgram : public testing::TestWithParam<const char*> {};

TEST_P(MixedProgram, SignatureAndWeights) {
  const Program program = read(GetParam());
  EXPECT_EQ(program.schema_major, 8);
  EXPECT_FALSE(program.torch_version.empty());
  ASSERT_EQ(program.inputs.size(), 11u);
  EXPECT_EQ(program.inputs[0].kind, InputSpec::Kind::parameter);
  EXPECT_EQ(program.inputs[0].target, "conv.weight");
  EXPECT_EQ(program.inputs[0].name, "p_conv_weight");
  EXPECT_EQ(program.inputs[5].kind, InputSpec::Kind::buffer);
  EXPECT_TRUE(program.inputs[5].persistent);
  EXPECT_EQ(program.inputs[6].target, "scratch");
  EXPECT_FALSE(program.inputs[6].persistent);
  EXPECT_EQ(program.inputs[7].kind, InputSpec::Kind::tensor_constant);
  EXPECT_EQ(program.inputs[8].kind, InputSpec::Kind::user_input);
  EXPECT_EQ(program.inputs[9].kind, InputSpec::Kind::constant);
  EXPECT_TRUE(program.inputs[9].arg.is(Kind::boolean));
  EXPECT_EQ(program.inputs[9].arg.integer, 1);

  const auto& conv = program.weights.at("conv.weight");
  EXPECT_EQ(conv.sizes, (Dims{4, 3, 3, 3}));
  EXPECT_TRUE(conv.requires_grad);
  EXPECT_FLOAT_EQ(floats(conv)[107], 1.07f);
  EXPECT_EQ(floats(program.constants.at("steps")), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(floats(program.constants.at("scratch")), (std::vector<float>{1, 1}));
  // Tied weights share their memory, but where each tensor is saved alone.
  if (std::string_view(GetParam()) != "mixed_pickled.pt2") {
    const auto &a = program.weights.at("fc.weight"), &b = program.weights.at("tied.weight");
    EXPECT_EQ(a.storage_key, b.storage_key);
    EXPECT_EQ(a.storage.data, b.storage.data);
  }

  ASSERT_EQ(program.samples.size(), 3u);
  ASSERT_TRUE(program.samples[0].tensor);
  EXPECT_EQ(program.samples[0].tensor->sizes, (Dims{2, 3, 12, 16}));
  EXPECT_EQ(floats(*program.samples[0].tensor).size(), 2u * 3 * 12 * 16);
  EXPECT_TRUE(program.samples[1].value.is(Kind::boolean));
  EXPECT_EQ(floats(*program.samples[2].tensor), std::vector<float>{2});
}

TEST_P(MixedProgram, SymbolicSizes) {
  const Program program = read(GetParam());
  ASSERT_EQ(program.ranges.size(), 3u);
  const TensorMeta& x = program.graph.tensors.at("x");
  EXPECT_EQ(x.dtype, DType::f32);
  ASSERT_EQ(x.sizes.size(), 4u);
  const std::string batch = x.sizes[0].symbol_name(), height = x.sizes[2].symbol_name(),
                    width = x.sizes[3].symbol_name();
  ASSERT_FALSE(batch.empty() || height.empty() || width.empty());
  EXPECT_EQ(program.ranges.at(batch), (ir::Interval{2, 64}));
  EXPECT_EQ(program.ranges.at(height).max, ir::Interval::kMax);
  // pad(conv(x), (1, height // 4, 0, width % 5)) with a stride of 2
  const ir::Shape& padded = program.graph.tensors.at("pad").sizes;
  const ir::Bindings sizes{{batch, 5}, {height, 21}, {width, 34}};
  const std::vector<int64_t> expected = {5, 4, 11 + 4, 17 + 1 + 5};
  ASSERT_EQ(padded.size(), 4u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(padded[i].evaluate(sizes).value(), expected[i]) << padded[i].str();
}

INSTANTIATE_TEST_SUITE_P(All, MixedProgram,
                         testing::Values("mixed.pt2", "mixed_legacy.pt2", "mixed_saved.pt2",
                                         "mixed_pickled.pt2"));

TEST(Program, NodesAndTheirOrigin) {
  const Program program = read("mixed.pt2");
  EXPECT_EQ(program.model, "model");
  EXPECT_EQ(program.dialect, "TRAINING");
  EXPECT_EQ(program.modules[0].forward_arg_names, (std::vector<std::string>{"x", "flag", "scale"}));
  const Node& conv = node(program.graph, "torch.ops.aten.conv2d.default");
  EXPECT_EQ(conv.outputs[0].text, "conv2d");
  EXPECT_EQ(input(conv, "weight").text, "p_conv_weight");
  const Argument& stride = input(conv, "stride");
  ASSERT_TRUE(stride.is(Kind::list));
  EXPECT_EQ(stride.element, Kind::integer);
  EXPECT_EQ(stride.items[1].integer, 2);
  ASSERT_NE(conv.origin, nullptr);
  EXPECT_EQ(conv.origin->module, "conv");
  ASSERT_EQ(conv.origin->frames.size(), 2u);
  EXPECT_TRUE(conv.origin->frames[0].file.ends_with("torch/nn/modules/conv.py"));
  EXPECT_TRUE(conv.origin->frames[1].file.ends_with("make.py"));
  EXPECT_EQ(conv.origin->frames[1].function, "forward");
  EXPECT_EQ(input(node(program.graph, "torch.ops.aten.masked_fill.Scalar"), "value").real,
            -INFINITY);
  const Argument& pad = input(node(program.graph, "torch.ops.aten.pad.default"), "pad");
  EXPECT_TRUE(pad.items[0].is(Kind::integer));
  EXPECT_TRUE(pad.items[1].is(Kind::sym_int));
  EXPECT_EQ(program.graph.sym_ints.at(pad.items[1].text).hint, 3);
  const Node& check = node(program.graph, "torch.ops.aten._assert_tensor_metadata.default");
  EXPECT_EQ(input(check, "dtype").dtype, DType::f32);
  EXPECT_EQ(input(check, "device").text, "cpu");
  EXPECT_EQ(static_cast<Layout>(input(check, "layout").integer), Layout::strided);
  EXPECT_TRUE(check.inputs[1].keyword);
  EXPECT_FALSE(check.inputs[0].keyword);
  EXPECT_TRUE(program.outputs[2].arg.is(Kind::sym_int));
}

TEST(Program, DecomposedProgramNamesItsMutations) {
  const Program mixed = read("mixed_decomposed.pt2");
  EXPECT_EQ(mixed.outputs[0].kind, OutputSpec::Kind::buffer_mutation);
  EXPECT_EQ(mixed.outputs[0].target, "count");
  const Program mutating = read("mutating_decomposed.pt2");
  EXPECT_EQ(mutating.outputs[0].kind, OutputSpec::Kind::user_input_mutation);
  EXPECT_EQ(mutating.outputs[0].target, "x");
}

TEST(Program, HigherOrderOperatorsHoldGraphs) {
  const Program program = read("control.pt2");
  const Node& cond = node(program.graph, "torch.ops.higher_order.cond");
  ASSERT_EQ(cond.inputs.size(), 4u);
  const Argument& branch = cond.inputs[1].value;
  ASSERT_TRUE(branch.is(Kind::graph));
  EXPECT_EQ(branch.graph->nodes[0].target, "torch.ops.aten.mul.Tensor");
  EXPECT_EQ(branch.graph->tensors.at(branch.graph->outputs[0].text).sizes,
            ir::to_shape(std::vector<int64_t>{2, 3}));
  const Node& loop = node(program.graph, "torch.ops.higher_order.while_loop");
  EXPECT_EQ(loop.inputs[1].value.graph->nodes.size(), 2u);
  EXPECT_TRUE(loop.inputs[2].value.is(Kind::list));
  // n.item() is a symbol of its own with the range that the program checks.
  const ir::Dim& count = program.graph.sym_ints.at("item").dim;
  EXPECT_EQ(program.ranges.at(count.symbol_name()), (ir::Interval{0, 4}));
  EXPECT_EQ(program.graph.sym_bools.at("ge_1").str(), "(u0 >= 0)");
}

TEST(Program, PlainOutputs) {
  const Program program = read("mutating.pt2");
  EXPECT_EQ(program.outputs[2].arg.integer, 3);
  EXPECT_TRUE(program.outputs[3].arg.is(Kind::none));
  EXPECT_EQ(program.outputs[4].arg.text, "text");
  const Argument& indices = input(node(program.graph, "torch.ops.aten.index.Tensor"), "indices");
  EXPECT_EQ(indices.element, Kind::tensor);
}

TEST(Program, ErrorsNameTheFileAndThePath) {
  const std::string good = json_of("mutating");
  ASSERT_TRUE(parse_program(good, {.file = "m.pt2"}));
  auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto program = parse_program(text, {.file = "m.pt2", .node = "models/model.json"});
    EXPECT_FALSE(program) << from;
    if (program) return std::string();
    EXPECT_EQ(program.error().where.file, "m.pt2");
    EXPECT_FALSE(program.error().hint.empty());
    return program.error().why;
  };
  EXPECT_EQ(with("\"target\"", "\"torget\""),
            "$.graph_module.graph.nodes[0]: \"target\" is missing");
  EXPECT_EQ(with("{\"as_int\": 1}", "{\"as_int\": true}"),
            "$.graph_module.graph.nodes[0].inputs[1].arg.as_int: an integer is expected");
  EXPECT_EQ(with("{\"as_int\": 1}", "{\"as_quux\": 1}"),
            "$.graph_module.graph.nodes[0].inputs[1].arg.as_quux: arguments of the kind "
            "\"as_quux\" are not known");
  EXPECT_EQ(with("{\"as_int\": 1}", "{\"as_int\": null}"),
            "$.graph_module.graph.nodes[0].inputs[1].arg: some kind of value is expected");
  EXPECT_NE(with("\"major\": 8", "\"major\": 9").find("version 9."), std::string::npos);
  EXPECT_NE(with("{\"graph_module\"", "{\"graph_module\"]").find("no valid JSON"),
            std::string::npos);
  EXPECT_NE(
      parse_program("[]", {.file = "m.pt2"}).error().why.find("\"schema_version\" is missing"),
      std::string::npos);
}

TEST(Program, BareInfinityIsTaken) {
  std::string text = json_of("mutating");
  const std::string from = "{\"as_int\": 1}";
  text.replace(text.find(from), from.size(), "{\"as_float\": -Infinity}");
  const auto program = parse_program(text, {.file = "m.pt2"});
  ASSERT_TRUE(program) << program.error().message();
  EXPECT_EQ(program->graph.nodes[0].inputs[1].value.real, -INFINITY);
}

TEST(Program, TheFirstSignatureNamesValues) {
  const auto program = read_program(TENON_SOURCE_DIR "/tests/dialects/files/2.1.2/counts.pt2");
  ASSERT_TRUE(program) << program.error().message();
  EXPECT_EQ(program->schema_major, 1);
  ASSERT_EQ(program->inputs.size(), 4u);
  EXPECT_EQ(program->inputs[0].kind, InputSpec::Kind::buffer);
  EXPECT_EQ(program->inputs[0].target, "L__self___count");
  EXPECT_EQ(program->inputs[3].kind, InputSpec::Kind::user_input);
  EXPECT_EQ(program->inputs[3].name, "arg3_1");
  ASSERT_EQ(program->outputs.size(), 4u);
  EXPECT_EQ(program->outputs[1].kind, OutputSpec::Kind::buffer_mutation);
  EXPECT_EQ(program->outputs[1].target, "L__self___last");
  EXPECT_EQ(program->outputs[2].kind, OutputSpec::Kind::user_output);
  EXPECT_EQ(floats(program->weights.at("L__self___scale")), (std::vector<float>{1, 2, 3}));
}

TEST(Program, OtherFilesAreRefused) {
  const auto program = read_program(TENON_SOURCE_DIR "/src/archive/testdata/traced.pt");
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().why.find("neither models/*.json"), std::string::npos);
}

}  // namespace
}  // namespace tenon::torch::exported
