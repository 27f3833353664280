#include "onnx/tensor_data.h"

#include <unistd.h>
#include <cmath>

#include <filesystem>
#include <fstream>

#include "onnx/testing.h"

namespace tenon::onnx {
namespace {

using namespace testing;
namespace fs = std::filesystem;

Result<Tensor> decode(const std::string& bytes, const std::string& path = {}) {
  static std::vector<std::shared_ptr<const std::byte>> kept;  // tensors share their bytes
  kept.push_back(bytes_of(bytes));
  const auto proto = TRY(proto::parse_tensor({kept.back().get(), bytes.size()}));
  TensorSource source(kept.back(), path, false);
  return source.decode(proto);
}

Message header(DType dtype, std::vector<int64_t> dims) {
  Message out;
  for (const int64_t d : dims) out.integer(1, d);
  out.integer(2, static_cast<int64_t>(dtype));
  out.text(8, "t");
  return out;
}

template <class T>
std::vector<T> values(const Result<Tensor>& tensor) {
  if (!tensor) {
    ADD_FAILURE() << tensor.error().message();
    return {};
  }
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor->data()) % alignof(T), 0);
  const auto all = tensor->values<T>();
  return {all.begin(), all.end()};
}

TEST(TensorData, RawBytesOfEveryAlignment) {
  for (size_t shift = 0; shift < 8; ++shift) {
    Message m = header(DType::f64, {2});
    m.text(12, std::string(shift, ' '));  // moves what follows
    const double numbers[] = {1.5, -2.5};
    m.text(9, {reinterpret_cast<const char*>(numbers), sizeof numbers});
    EXPECT_EQ(values<double>(decode(m.str())), (std::vector<double>{1.5, -2.5}));
  }
}

TEST(TensorData, ListsPackedAndOneByOne) {
  Message packed = header(DType::i64, {3});
  packed.packed(7, std::vector<int64_t>{1, -2, int64_t{1} << 40});
  Message single = header(DType::i64, {3});
  for (const int64_t v : {int64_t{1}, int64_t{-2}, int64_t{1} << 40}) single.integer(7, v);
  for (const Message* m : {&packed, &single})
    EXPECT_EQ(values<int64_t>(decode(m->str())), (std::vector<int64_t>{1, -2, int64_t{1} << 40}));

  Message f32 = header(DType::f32, {2});
  f32.float32(4, 1.25f);
  f32.float32(4, -3);
  EXPECT_EQ(values<float>(decode(f32.str())), (std::vector<float>{1.25f, -3}));

  Message u64 = header(DType::u64, {1});
  u64.varint(11, ~uint64_t{0});
  EXPECT_EQ(values<uint64_t>(decode(u64.str())), (std::vector<uint64_t>{~uint64_t{0}}));
}

TEST(TensorData, SmallTypesLieInInt32Data) {
  auto with = [](DType dtype, std::vector<int64_t> dims, std::vector<int64_t> elements) {
    Message m = header(dtype, dims);
    m.packed(5, elements);
    return decode(m.str());
  };
  EXPECT_EQ(values<int32_t>(with(DType::i32, {2}, {-5, 7})), (std::vector<int32_t>{-5, 7}));
  EXPECT_EQ(values<int8_t>(with(DType::i8, {2}, {-5, 7})), (std::vector<int8_t>{-5, 7}));
  EXPECT_EQ(values<uint8_t>(with(DType::boolean, {2}, {1, 0})), (std::vector<uint8_t>{1, 0}));
  EXPECT_EQ(values<uint16_t>(with(DType::f16, {1}, {0x3c00})), (std::vector<uint16_t>{0x3c00}));
  EXPECT_EQ(values<uint16_t>(with(DType::bf16, {1}, {0x3f80})), (std::vector<uint16_t>{0x3f80}));
  // Two elements of four bits lie in a byte.
  EXPECT_EQ(with(DType::u4, {3}, {0x21, 0x03})->bytes()[0], std::byte{0x21});
}

TEST(TensorData, RefusesSizesThatDoNotFit) {
  Message raw = header(DType::f32, {3});
  raw.text(9, "12345678");
  Message list = header(DType::i64, {3});
  list.integer(7, 1);
  Message negative = header(DType::f32, {-1});
  Message huge = header(DType::f32, {int64_t{1} << 40, int64_t{1} << 40});
  Message vast = header(DType::f32, {int64_t{1} << 45});
  Message unknown = header(static_cast<DType>(99), {1});
  for (const Message* m : {&raw, &list, &negative, &huge, &vast, &unknown}) {
    const auto tensor = decode(m->str());
    ASSERT_FALSE(tensor);
    EXPECT_EQ(tensor.error().kind, ErrorKind::bad_file);
    EXPECT_EQ(tensor.error().where.node, "t");
    EXPECT_FALSE(tensor.error().why.empty());
  }
}

class ExternalData : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("tenon_external_{}", ::getpid());
    fs::create_directories(folder_ / "model" / "sub");
    const float numbers[] = {0, 1, 2, 3};
    for (const fs::path& at : {folder_ / "model" / "w.bin", folder_ / "outside.bin",
                               folder_ / "model" / "sub" / "w.bin"}) {
      std::ofstream(at, std::ios::binary)
          .write(reinterpret_cast<const char*>(numbers), sizeof numbers);
    }
    fs::create_symlink(folder_ / "outside.bin", folder_ / "model" / "link.bin");
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<Tensor> load(std::string_view location, std::string_view offset = "4",
                      std::string_view length = "8") {
    Message m = header(DType::f32, {2});
    auto entry = [&](std::string_view key, std::string_view value) {
      Message pair;
      pair.text(1, key);
      pair.text(2, value);
      m.message(13, std::move(pair));
    };
    entry("location", location);
    if (!offset.empty()) entry("offset", offset);
    if (!length.empty()) entry("length", length);
    m.integer(14, 1);
    return decode(m.str(), (folder_ / "model" / "m.onnx").string());
  }

  fs::path folder_;
};

TEST_F(ExternalData, IsFoundBesideTheModel) {
  EXPECT_EQ(values<float>(load("w.bin")), (std::vector<float>{1, 2}));
  EXPECT_EQ(values<float>(load("sub/w.bin", "8")), (std::vector<float>{2, 3}));
  EXPECT_EQ(values<float>(load("w.bin", "", "")), (std::vector<float>{0, 1}));
}

TEST_F(ExternalData, StaysInTheModelsFolder) {
  const std::string absolute = (folder_ / "model" / "w.bin").string();
  for (const std::string& location :
       {absolute, std::string("../outside.bin"), std::string("sub/../../outside.bin"),
        std::string("link.bin"), std::string(), std::string("w.bin\0x", 7)}) {
    const auto tensor = load(location);
    ASSERT_FALSE(tensor) << location;
    EXPECT_EQ(tensor.error().kind, ErrorKind::bad_file);
    EXPECT_FALSE(tensor.error().why.empty());
    EXPECT_FALSE(tensor.error().hint.empty());
  }
}

TEST_F(ExternalData, StaysInTheFile) {
  EXPECT_FALSE(load("w.bin", "12"));
  EXPECT_FALSE(load("w.bin", "18446744073709551612"));
  EXPECT_FALSE(load("w.bin", "-4"));
  EXPECT_FALSE(load("w.bin", "4", "12"));
  EXPECT_FALSE(load("missing.bin"));
}

}  // namespace
}  // namespace tenon::onnx
