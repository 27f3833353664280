// How scattered elements meet what is there, by type, for the fast kernels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "ir/op.h"

namespace tenon::ops {

// Whether visit_scatter knows the reduction for the type.
inline bool scatters(const std::string& reduction, DType type) {
  if (reduction == "none") return bits(type) >= 8 && bits(type) <= 64;
  if (type != DType::f32 && type != DType::f64 && type != DType::i32 && type != DType::i64)
    return false;
  return reduction == "add" || reduction == "mul" || reduction == "max" || reduction == "min";
}

namespace scatter_detail {

// Integers wrap: they are added and multiplied as unsigned.
template <class T>
struct Wrapping {
  using type = T;
};
template <>
struct Wrapping<int32_t> {
  using type = uint32_t;
};
template <>
struct Wrapping<int64_t> {
  using type = uint64_t;
};

template <class T, class F>
void visit(const std::string& reduction, F&& f) {
  using W = typename Wrapping<T>::type;
  if (reduction == "add")
    f(T{}, [](T& a, T b) { a = static_cast<T>(static_cast<W>(a) + static_cast<W>(b)); });
  else if (reduction == "mul")
    f(T{}, [](T& a, T b) { a = static_cast<T>(static_cast<W>(a) * static_cast<W>(b)); });
  else if (reduction == "max")
    f(T{}, [](T& a, T b) { a = std::max(a, b); });
  else
    f(T{}, [](T& a, T b) { a = std::min(a, b); });
}

}  // namespace scatter_detail

// Calls f(T{}, combine) with the elements' type and what combine(T& there, T update) does.
template <class F>
void visit_scatter(const std::string& reduction, DType type, F&& f) {
  if (reduction == "none") {
    const auto assign = [](auto& a, auto b) { a = b; };
    if (bits(type) == 8) return f(uint8_t{}, assign);
    if (bits(type) == 16) return f(uint16_t{}, assign);
    return bits(type) == 32 ? f(uint32_t{}, assign) : f(uint64_t{}, assign);
  }
  if (type == DType::f32) return scatter_detail::visit<float>(reduction, f);
  if (type == DType::f64) return scatter_detail::visit<double>(reduction, f);
  if (type == DType::i32) return scatter_detail::visit<int32_t>(reduction, f);
  return scatter_detail::visit<int64_t>(reduction, f);
}

}  // namespace tenon::ops
