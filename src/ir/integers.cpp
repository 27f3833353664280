#include "ir/integers.h"

namespace tenon::ir {
namespace {

template <class T>
std::vector<int64_t> widen(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

}  // namespace

std::optional<std::vector<int64_t>> integers(const Tensor& tensor, int64_t limit) {
  if (!tensor.has_data() || tensor.count() > limit) return std::nullopt;
  switch (tensor.dtype()) {
    case DType::i64:
      return widen<int64_t>(tensor);
    case DType::u64:
      return widen<uint64_t>(tensor);
    case DType::i32:
      return widen<int32_t>(tensor);
    case DType::u32:
      return widen<uint32_t>(tensor);
    case DType::i16:
      return widen<int16_t>(tensor);
    case DType::u16:
      return widen<uint16_t>(tensor);
    case DType::i8:
      return widen<int8_t>(tensor);
    case DType::u8:
    case DType::boolean:
      return widen<uint8_t>(tensor);
    default:
      return std::nullopt;
  }
}

}  // namespace tenon::ir
