#include "targets/tensorrt/operators.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace tenon::tensorrt {
namespace {

#include "targets/tensorrt/operators.inc"

// The parser of TensorRT-RTX 1.7.1 does not look at the opset, so that a newer one would be read as
// if it were an older one. TensorRT's parser of the same year knows this one.
constexpr int kRtxOpset = 25;

constexpr std::array kTypes = {
    std::pair{DType::f32, kF32},      std::pair{DType::f16, kF16},
    std::pair{DType::bf16, kBF16},    std::pair{DType::f8e4m3fn, kF8},
    std::pair{DType::f4e2m1, kF4},    std::pair{DType::i4, kI4},
    std::pair{DType::i8, kI8},        std::pair{DType::i32, kI32},
    std::pair{DType::i64, kI64},      std::pair{DType::u8, kU8},
    std::pair{DType::boolean, kBool},
};

int number(const Version& version) { return version.major * 100 + version.minor; }

std::span<const OperatorRow> rows_of(std::string_view op, Family family) {
  const std::span<const OperatorRow> all =
      family == Family::rtx ? std::span<const OperatorRow>(kRtxOperators) : kOperators;
  const auto [first, last] = std::ranges::equal_range(all, op, {}, &OperatorRow::op);
  return {first, last};
}

}  // namespace

TypeSet type_set(DType dtype) {
  const auto found = std::ranges::find(kTypes, dtype, &std::pair<DType, TypeSet>::first);
  return found == kTypes.end() ? TypeSet{0} : found->second;
}

std::string to_string(TypeSet types) {
  std::string out;
  for (const auto& [dtype, bit] : kTypes) {
    if ((types & bit) == 0) continue;
    if (!out.empty()) out += ", ";
    out += tenon::name(dtype);
  }
  return out;
}

const OperatorRow* find_operator(std::string_view op, const Release& release) {
  const OperatorRow* found = nullptr;
  for (const OperatorRow& row : rows_of(op, release.family)) {
    if (release.family == Family::rtx || row.since <= number(release.version)) found = &row;
  }
  return found && found->taken ? found : nullptr;
}

std::optional<Version> first_release(std::string_view op, Family family) {
  if (family == Family::rtx) return std::nullopt;  // one release alone is known
  for (const OperatorRow& row : rows_of(op, family)) {
    if (row.taken) return Version{row.since / 100, row.since % 100, 0};
  }
  return std::nullopt;
}

int newest_opset(const Release& release) {
  if (release.family == Family::rtx) return kRtxOpset;
  int out = 0;
  for (const OpsetRow& row : kOpsets) {
    if (row.since <= number(release.version)) out = row.newest;
  }
  return out;
}

}  // namespace tenon::tensorrt
