#include "archive/torch_archive.h"

#include "archive/testdata.h"
#include "archive/trust.h"
#include "base/error.h"

namespace tenon::archive {
namespace {

using pickle::Kind;

TorchArchive open(const std::string& name) {
  auto archive = TorchArchive::open(testdata(name));
  EXPECT_TRUE(archive) << archive.error().message();
  return std::move(archive).value();
}

// The values of one entry of views.pt, as doubles.
template <class T>
std::vector<T> values(const std::string& key, Dims shape, DType dtype) {
  const TorchArchive archive = open("views.pt");
  const auto data = archive.pickled("data.pkl");
  EXPECT_TRUE(data) << data.error().message();
  const auto stored = archive.tensor(*data->root().get(key));
  EXPECT_TRUE(stored) << key << stored.error().message();
  const auto tensor = materialize(*stored, archive.where(key));
  EXPECT_TRUE(tensor) << key << tensor.error().message();
  EXPECT_EQ(tensor->shape(), shape) << key;
  EXPECT_EQ(tensor->dtype(), dtype) << key;
  const auto span = tensor->values<T>();
  return {span.begin(), span.end()};
}

using namespace std::string_literals;
using namespace std::string_view_literals;

TEST(TorchArchive, Container) {
  const TorchArchive traced = open("traced.pt");
  EXPECT_EQ(traced.folder(), "traced");
  EXPECT_EQ(traced.version(), 3);
  EXPECT_FALSE(traced.big_endian());
  EXPECT_TRUE(traced.is_torchscript());
  EXPECT_TRUE(open("scripted_deflated.pt").is_torchscript());
  EXPECT_TRUE(open("lite.ptl").is_torchscript());
  EXPECT_FALSE(open("state_dict.pt").is_torchscript());
  EXPECT_EQ(
      traced.list("code/", ".py"),
      (std::vector<std::string>{"code/__torch__.py", "code/__torch__/torch/nn/modules/linear.py"}));
}

std::string refusal(Status (*check)(const pickle::Pickle&, const Where&), std::string_view text) {
  const auto parsed = pickle::Pickle::parse(blob_of(text), {.file = "test.pt"});
  EXPECT_TRUE(parsed) << parsed.error().message();
  const auto status = check(*parsed, {.file = "test.pt", .node = "data.pkl"});
  if (status) return {};
  expect_complete(status.error());
  return status.error().message();
}

TEST(TorchArchive, GlobalsThatExecuteAreNamedAndRefused) {
  for (const char* named : {"os\nsystem", "posix\nsystem", "os.path\njoin", "subprocess\nPopen",
                            "builtins\neval", "__builtin__\nexec"}) {
    // Also where nothing calls it.
    const std::string said = refusal(refuse_executing, fmt::format("\x80\x02(lc{}\n0.", named));
    EXPECT_NE(said, "") << named;
  }
  EXPECT_NE(refusal(refuse_executing, "\x80\x02(lcposix\nsystem\n0.").find("posix.system"),
            std::string::npos);
  for (const char* named : {"builtins\ngetattr", "osmium\nMap", "ultralytics\nModel"})
    EXPECT_EQ(refusal(refuse_executing, fmt::format("\x80\x02(lc{}\n0.", named)), "") << named;
}

TEST(TorchArchive, ProgramsNameNothingForeign) {
  for (const char* named : {"torch._utils\n_rebuild_tensor_v2", "__torch__.net\nNet",
                            "collections\nOrderedDict", "torch\nFloatStorage"})
    EXPECT_EQ(refusal(refuse_foreign, fmt::format("\x80\x02(lc{}\n0.", named)), "") << named;
  for (const char* named : {"builtins\ngetattr", "torchlike\nX", "collections\nCounter"})
    EXPECT_NE(refusal(refuse_foreign, fmt::format("\x80\x02(lc{}\n0.", named)), "") << named;
}

TEST(TorchArchive, ModuleIsAnObjectWithState) {
  const TorchArchive scripted = open("scripted.pt");
  const auto data = scripted.pickled("data.pkl");
  ASSERT_TRUE(data) << data.error().message();
  const auto& root = data->root();
  ASSERT_TRUE(root.is(Kind::object));
  EXPECT_TRUE(root.qualified_name().ends_with(".Small")) << root.qualified_name();
  EXPECT_FALSE(root.state->get("training")->integer);
  std::string type;
  EXPECT_EQ(pickle::print(untagged(*root.state->get("sizes"), &type)), "[1, 2, 3]");
  EXPECT_EQ(type, "List[int]");
  const auto weight = scripted.tensor(*root.state->get("fc")->state->get("weight"));
  ASSERT_TRUE(weight) << weight.error().message();
  EXPECT_EQ(weight->storage_key, "data/1");
  EXPECT_EQ(weight->dtype, DType::f32);
  EXPECT_EQ(weight->sizes, (Dims{4, 3}));
  EXPECT_TRUE(weight->requires_grad);
  EXPECT_EQ(weight->device, "cpu");
  const auto tensor = materialize(*weight, {});
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->data(), weight->storage.data.get()) << "a contiguous tensor must not be copied";
  EXPECT_EQ(tensor->values<float>()[11], 11.0f);
}

TEST(TorchArchive, Constants) {
  const TorchArchive traced = open("traced.pt");
  const auto constants = traced.constants();
  ASSERT_TRUE(constants && constants->has_value());
  ASSERT_EQ((*constants)->root().items.size(), 1u);
  const auto constant = traced.tensor(*(*constants)->root().items[0], "constants");
  ASSERT_TRUE(constant) << constant.error().message();
  EXPECT_EQ(materialize(*constant, {})->values<float>()[3], 4.0f);
}

TEST(TorchArchive, TracedInputsHaveAFormAndNoValues) {
  const TorchArchive traced = open("traced.pt");
  const auto inputs = traced.pickled("traced_inputs.pkl");
  ASSERT_TRUE(inputs) << inputs.error().message();
  std::string type;
  const auto& forward = *untagged(inputs->root(), &type).get("forward");
  EXPECT_EQ(type, "Dict[str, List[Any]]");
  const auto& list = untagged(forward);
  ASSERT_EQ(list.items.size(), 1u);
  const auto input = traced.tensor(*list.items[0], "traced_inputs");
  ASSERT_TRUE(input) << input.error().message();
  EXPECT_EQ(input->sizes, (Dims{2, 3}));
  EXPECT_FALSE(input->has_values());
  const auto tensor = materialize(*input, traced.where("traced_inputs/0"));
  ASSERT_FALSE(tensor);
  EXPECT_EQ(tensor.error().why, "only its shape was saved, not its values");
}

TEST(TorchArchive, Views) {
  EXPECT_EQ(values<float>("transposed", {6, 4}, DType::f32)[1], 6.0f);
  EXPECT_EQ(values<float>("window", {2, 3}, DType::f32),
            (std::vector<float>{8, 9, 10, 14, 15, 16}));
  EXPECT_EQ(values<float>("stepped", {2, 2}, DType::f32), (std::vector<float>{0, 3, 12, 15}));
  EXPECT_EQ(values<float>("expanded", {2, 3}, DType::f32), std::vector<float>(6, 7.0f));
  EXPECT_EQ(values<float>("scalar", {}, DType::f32), std::vector<float>{15});
  EXPECT_EQ(values<float>("empty", {0, 5}, DType::f32), std::vector<float>{});
  EXPECT_EQ(values<float>("parameter", {2}, DType::f32), (std::vector<float>{1, 1}));
}

TEST(TorchArchive, DTypes) {
  EXPECT_EQ(values<uint16_t>("half", {2}, DType::f16), (std::vector<uint16_t>{0x3e00, 0xc000}));
  EXPECT_EQ(values<uint16_t>("brain", {2}, DType::bf16), (std::vector<uint16_t>{0x3fc0, 0xc000}));
  EXPECT_EQ(values<int64_t>("long", {2, 2}, DType::i64), (std::vector<int64_t>{1, -2, 3, 4}));
  EXPECT_EQ(values<uint8_t>("float8", {2}, DType::f8e4m3fn), (std::vector<uint8_t>{0x38, 0x40}));
  EXPECT_EQ(values<uint16_t>("uint16", {2}, DType::u16), (std::vector<uint16_t>{1, 65535}));
  EXPECT_EQ(values<uint8_t>("quantized", {2}, DType::u8), (std::vector<uint8_t>{3, 5}));
}

TEST(TorchArchive, Quantizer) {
  const TorchArchive archive = open("views.pt");
  const auto data = archive.pickled("data.pkl");
  const auto stored = archive.tensor(*data->root().get("quantized"));
  ASSERT_TRUE(stored) << stored.error().message();
  ASSERT_EQ(stored->quantizer.size(), 1u);
  EXPECT_EQ(stored->quantizer[0].scales, std::vector<double>{0.5});
  EXPECT_EQ(stored->quantizer[0].zero_points, std::vector<double>{3});
}

// A tensor whose storage has 4 elements, as its pickle says; `window` is offset, size and stride.
Result<Tensor> windowed(const std::string& window) {
  const std::string text =
      "\x80\x02"
      "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX"s +
      "\x01\0\0\0"
      "0X\x03\0\0\0cpuK\x04tQ"s +
      window + "\x89}tR.";
  const auto pickle = pickle::Pickle::parse(blob_of(text), {.file = "test"});
  EXPECT_TRUE(pickle) << pickle.error().message();
  auto stored = TRY(describe_tensor(pickle->root(), {.file = "test", .node = "data.pkl"}));
  stored.storage = blob_of(std::string(16, '\0'));
  return materialize(stored, {.file = "test", .node = "data.pkl"});
}

TEST(StoredTensor, WindowsOutsideTheStorageAreRefused) {
  EXPECT_TRUE(windowed("K\0(K\x04t(K\x01t"s));
  EXPECT_TRUE(windowed("K\x02(K\x02t(K\x01t"s));
  for (const std::string& window :
       {"K\x01(K\x04t(K\x01t"s, "K\0(K\x04t(K\x02t"s, "K\x04))"s,
        "J\xff\xff\xff\xff(K\x01t(K\x01t"s, "K\0(K\x04t(J\xff\xff\xff\xfft"s,
        "K\0(K\x04K\x04t(K\x01t"s, "K\0(\x8a\x08\0\0\0\0\0\0\0\x40K\x04t(K\x01K\0t"s}) {
    const auto tensor = windowed(window);
    ASSERT_FALSE(tensor);
    expect_complete(tensor.error());
  }
}

TEST(StoredTensor, HugeExpansionIsRefused) {
  const auto tensor = windowed("K\0(J\0\0\0\x7ft(K\0t"s);
  ASSERT_FALSE(tensor);
  EXPECT_NE(tensor.error().why.find("expanded view"), std::string::npos);
}

TEST(StoredTensor, BigEndianIsSwapped) {
  StoredTensor stored{.storage = blob_of("\x3f\x80\0\0\x40\0\0\0"sv),
                      .storage_count = 2,
                      .dtype = DType::f32,
                      .sizes = {2},
                      .strides = {1},
                      .big_endian = true};
  const auto tensor = materialize(stored, {});
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->values<float>()[0], 1.0f);
  EXPECT_EQ(tensor->values<float>()[1], 2.0f);
}

}  // namespace
}  // namespace tenon::archive
