// Attributes of a node: a small sorted map of typed values, and the typed view that an operator's
// struct gives of it.
//
// An operator names its attributes once:
//
//   struct Softmax {
//     static constexpr std::string_view kName = "Softmax";
//     int64_t axis = -1;
//     static constexpr auto fields() { return std::tuple{field("axis", &Softmax::axis)}; }
//   };
//
// Printing, hashing, ONNX attributes and plan serialisation all go through that list. A
// std::optional field is an attribute that may be absent. Attributes at their default are stored
// all the same: equal nodes have equal attributes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "tenon/tensor.h"

namespace tenon::ir {

using Attribute = std::variant<int64_t, float, std::string, std::vector<int64_t>,
                               std::vector<float>, std::vector<std::string>, Tensor>;

std::string to_string(const Attribute& attribute);
bool equal(const Attribute& a, const Attribute& b);  // tensors by contents

class Attributes {
 public:
  const Attribute* find(std::string_view name) const;
  void set(std::string name, Attribute value);
  void erase(std::string_view name);
  const std::vector<std::pair<std::string, Attribute>>& all() const { return items_; }
  bool operator==(const Attributes& other) const;

  template <class T>
  T get(std::string_view name, T fallback) const {
    const Attribute* found = find(name);
    if (found == nullptr) return fallback;
    const T* value = std::get_if<T>(found);
    return value ? *value : fallback;
  }

 private:
  std::vector<std::pair<std::string, Attribute>> items_;  // sorted by name
};

template <class Op, class T>
struct Field {
  std::string_view name;
  T Op::* member;
};
template <class Op, class T>
constexpr Field<Op, T> field(std::string_view name, T Op::* member) {
  return {name, member};
}

namespace attributes_detail {
template <class T>
struct Stored {
  using type = T;
};
template <>
struct Stored<bool> {
  using type = int64_t;
};
template <>
struct Stored<DType> {
  using type = int64_t;
};
template <>
struct Stored<double> {
  using type = float;
};
template <class T>
using StoredT = typename Stored<T>::type;

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
}  // namespace attributes_detail

template <class Op>
Attributes to_attributes(const Op& op) {
  using namespace attributes_detail;
  Attributes out;
  auto add = [&](const auto& f) {
    const auto& value = op.*(f.member);
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (is_optional<T>::value) {
      if (value) out.set(std::string(f.name), static_cast<StoredT<typename T::value_type>>(*value));
    } else {
      out.set(std::string(f.name), static_cast<StoredT<T>>(value));
    }
  };
  std::apply([&](const auto&... f) { (add(f), ...); }, Op::fields());
  return out;
}

// Fails where an attribute is unknown or has another type.
template <class Op>
Result<Op> from_attributes(const Attributes& attributes) {
  using namespace attributes_detail;
  Op op;
  size_t taken = 0;
  std::string wrong;
  auto read = [&](const auto& f) {
    const Attribute* found = attributes.find(f.name);
    if (found == nullptr) return;
    auto& value = op.*(f.member);
    using T = std::remove_cvref_t<decltype(value)>;
    auto take = [&]<class U>(std::type_identity<U>) {
      if (const auto* stored = std::get_if<StoredT<U>>(found)) {
        value = static_cast<U>(*stored);
        ++taken;
      } else {
        wrong = f.name;
      }
    };
    if constexpr (is_optional<T>::value)
      take(std::type_identity<typename T::value_type>{});
    else
      take(std::type_identity<T>{});
  };
  std::apply([&](const auto&... f) { (read(f), ...); }, Op::fields());
  if (wrong.empty() && taken == attributes.all().size()) return op;
  if (wrong.empty()) {
    for (const auto& [name, value] : attributes.all()) {
      bool known = false;
      std::apply([&](const auto&... f) { ((known = known || f.name == name), ...); }, Op::fields());
      if (!known) wrong = name;
    }
    return fail({.kind = ErrorKind::bad_file,
                 .what = fmt::format("{} has no attribute '{}'", Op::kName, wrong)});
  }
  return fail({.kind = ErrorKind::bad_file,
               .what = fmt::format("attribute '{}' of {} has the wrong type", wrong, Op::kName)});
}

}  // namespace tenon::ir
