#include "archive/npy.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "archive/testdata.h"

namespace tenon::archive {
namespace {

using namespace std::string_literals;

std::string file_text(const std::string& path) {
  const auto file = MappedFile::open(path);
  EXPECT_TRUE(file);
  return {reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()};
}

// An .npy file of version 1.
std::string npy(const std::string& header, const std::string& data) {
  return "\x93NUMPY\x01\0"s + static_cast<char>(header.size()) + '\0' + header + data;
}

void expect_refused(const std::string& text, std::string_view why) {
  const auto tensor = parse_npy(blob_of(text), {.file = "test.npy"});
  ASSERT_FALSE(tensor);
  EXPECT_NE(tensor.error().why.find(why), std::string::npos) << tensor.error().message();
  expect_complete(tensor.error());
}

// Element i of a tensor of any type.
double element(const Tensor& t, size_t i) {
  switch (t.dtype()) {
    case DType::boolean:
    case DType::u8:
      return t.values<uint8_t>()[i];
    case DType::i8:
      return t.values<int8_t>()[i];
    case DType::i16:
      return t.values<int16_t>()[i];
    case DType::u16:
      return t.values<uint16_t>()[i];
    case DType::i32:
      return t.values<int32_t>()[i];
    case DType::u32:
      return t.values<uint32_t>()[i];
    case DType::i64:
      return static_cast<double>(t.values<int64_t>()[i]);
    case DType::u64:
      return static_cast<double>(t.values<uint64_t>()[i]);
    case DType::f32:
      return t.values<float>()[i];
    case DType::f64:
      return t.values<double>()[i];
    case DType::c64:
      return t.values<float>()[2 * i];
    case DType::c128:
      return t.values<double>()[2 * i];
    case DType::f16: {
      constexpr std::array<uint16_t, 6> kHalves = {0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500};
      const auto* found = std::ranges::find(kHalves, t.values<uint16_t>()[i]);
      return static_cast<double>(found - kHalves.begin());
    }
    default:
      ADD_FAILURE() << name(t.dtype());
      return -1;
  }
}

TEST(Npz, EveryTypeOrderAndLayout) {
  const auto arrays = read_npz(testdata("arrays.npz"));
  ASSERT_TRUE(arrays) << arrays.error().message();
  EXPECT_EQ(arrays->size(), 14u + 11u + 14u + 3u);
  size_t checked = 0;
  for (const auto& [name, tensor] : *arrays) {
    if (name == "bf16") {
      EXPECT_EQ(tensor.dtype(), DType::bf16);
      EXPECT_EQ(tensor.values<uint16_t>()[1], 0xc000);
    } else if (name == "scalar") {
      EXPECT_EQ(tensor.shape(), Dims{});
      EXPECT_EQ(tensor.values<float>()[0], 2.5f);
    } else if (name == "empty") {
      EXPECT_EQ(tensor.shape(), (Dims{0, 3}));
    } else {
      ASSERT_EQ(tensor.shape(), (Dims{2, 3})) << name;
      for (size_t i = 0; i < 6; ++i) {
        const double expected = tensor.dtype() == DType::boolean ? i > 0 : static_cast<double>(i);
        EXPECT_EQ(element(tensor, i), expected) << name << " " << i;
      }
      ++checked;
    }
  }
  EXPECT_EQ(checked, 39u);
}

TEST(Npy, ReadsAndMapsNumpysOwnFile) {
  const auto tensor = read_npy(testdata("array.npy"));
  ASSERT_TRUE(tensor) << tensor.error().message();
  EXPECT_EQ(tensor->shape(), (Dims{2, 3}));
  EXPECT_EQ(tensor->values<float>()[5], 5.0f);
}

TEST(Npy, WritesNumpysOwnBytes) {
  const std::string path = testing::TempDir() + "tenon_array.npy";
  ASSERT_TRUE(write_npy(path, *read_npy(testdata("array.npy"))));
  EXPECT_EQ(file_text(path), contents("array.npy"));
  std::filesystem::remove(path);
}

TEST(Npz, RoundTripIsExactAndReproducible) {
  const std::string a = testing::TempDir() + "tenon_a.npz", b = testing::TempDir() + "tenon_b.npz";
  const auto arrays = read_npz(testdata("arrays.npz"));
  ASSERT_TRUE(arrays && write_npz(a, *arrays));
  const auto again = read_npz(a);
  ASSERT_TRUE(again) << again.error().message();
  ASSERT_EQ(again->size(), arrays->size());
  for (size_t i = 0; i < again->size(); ++i) {
    EXPECT_EQ((*again)[i].name, (*arrays)[i].name);
    EXPECT_EQ((*again)[i].tensor.dtype(), (*arrays)[i].tensor.dtype());
    EXPECT_EQ((*again)[i].tensor.shape(), (*arrays)[i].tensor.shape());
    EXPECT_TRUE(std::ranges::equal((*again)[i].tensor.bytes(), (*arrays)[i].tensor.bytes()));
  }
  ASSERT_TRUE(write_npz(b, *again));
  EXPECT_EQ(file_text(a), file_text(b));
  std::filesystem::remove(a);
  std::filesystem::remove(b);
}

TEST(Npy, DamageIsExplained) {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  EXPECT_TRUE(parse_npy(blob_of(npy(good, "12345678")), {.file = "test.npy"}));
  expect_refused("", "does not start");
  expect_refused("\x93NUMPY\x09\0\1\0{}"s, "version 9");
  expect_refused("\x93NUMPY\x01\0\xff\xff{}"s, "header is cut short");
  expect_refused("\x93NUMPY\x02\0\xff\xff"s, "header is cut short");
  expect_refused("\x93NUMPY\x02\0\xff\xff\xff\xff{}"s, "header is cut short");
  expect_refused(npy(good, "1234567"), "needs 2 elements of 4 bytes, and 7 bytes are there");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, }", ""), "lacks");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", ""), "shape");
  expect_refused(
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296,), }", ""),
      "too many");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", ""),
                 "fortran_order");
  expect_refused(npy("{'descr': '<f4'", ""), "no end");
  expect_refused(npy("[]", ""), "no dictionary");
  expect_refused(npy("{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }", ""),
                 "type is <U3");
  expect_refused(contents("objects.npy"), "Python objects");
  expect_refused(contents("records.npy"), "[('a', '<f4'), ('b', '<i8')]");
}

TEST(Npy, BoolsAreZeroOrOne) {
  const auto tensor = parse_npy(
      blob_of(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "\0\1\x7f"s)), {});
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->values<uint8_t>()[1], 1);
  EXPECT_EQ(tensor->values<uint8_t>()[2], 1);
}

TEST(Npz, OtherEntriesAndTypesAreRefused) {
  const auto archive = read_npz(testdata("state_dict.pt"));
  ASSERT_FALSE(archive);
  EXPECT_NE(archive.error().why.find(".npy entries only"), std::string::npos);
  const std::string path = testing::TempDir() + "tenon_refused.npz";
  const std::vector<NamedTensor> fp8 = {{"x", Tensor::zeros(DType::f8e4m3fn, {2})}};
  const auto written = write_npz(path, fp8);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::unsupported);
  expect_complete(written.error());
  EXPECT_FALSE(std::filesystem::exists(path));
  const std::vector<NamedTensor> twins = {{"x", Tensor::zeros(DType::f32, {})},
                                          {"x", Tensor::zeros(DType::f32, {})}};
  ASSERT_FALSE(write_npz(path, twins));
}

}  // namespace
}  // namespace tenon::archive
