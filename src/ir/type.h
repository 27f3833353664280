// Types of values.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ir/dim.h"
#include "tenon/tensor.h"

namespace tenon::ir {

struct Type {
  enum class Kind : uint8_t { tensor, sequence, optional };
  Kind kind = Kind::tensor;
  DType dtype = DType::undefined;            // of a tensor
  std::optional<Shape> shape = {};           // of a tensor; nullopt where the rank is not known
  std::shared_ptr<const Type> element = {};  // of a sequence or an optional

  static Type tensor(DType dtype, std::optional<Shape> shape) {
    return {Kind::tensor, dtype, std::move(shape), {}};
  }
  static Type sequence(Type element) {
    return {Kind::sequence, DType::undefined, {}, std::make_shared<const Type>(std::move(element))};
  }
  static Type optional(Type element) {
    return {Kind::optional, DType::undefined, {}, std::make_shared<const Type>(std::move(element))};
  }
  bool is_tensor() const { return kind == Kind::tensor; }
  std::string str() const;  // "f32[1, C, 7]"
  bool operator==(const Type& other) const;
};

}  // namespace tenon::ir
