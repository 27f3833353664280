// How an operator's folder lowers PyTorch's overloads into the graph.
//
//   ir::Value* softmax_int(LowerContext& c) { ... return c.b.emit(Softmax{.axis = axis}, {x}); }
//   std::span<const torch::Lowering> softmax_torch() {
//     static constexpr torch::Lowering kAll[] = {{"aten::softmax.int", lower_softmax}};
//     return kAll;
//   }
//
// A lowering is named by the full overload name ("aten::relu", "aten::add.Tensor"), or by
// "aten::add.*" for all overloads that no other names. It is given the arguments of the functional
// form: `relu_`, `add_`, and `out=` variants reach it as `relu` and `add`.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "torch/machine.h"

namespace tenon::torch {

class LowerContext {
 public:
  LowerContext(Machine& machine, const Schema& schema, std::vector<Value>& arguments)
      : b(machine.builder), machine_(machine), schema_(schema), arguments_(arguments) {}

  ir::Builder& b;
  const Schema& schema() const { return schema_; }
  Machine& machine() { return machine_; }

  // Arguments by the schema's names. A wrong kind is recorded as an error, and something harmless
  // is returned.
  bool has(std::string_view name) const;  // given, and not None
  const Value& value(std::string_view name) const;
  ir::Value* tensor(std::string_view name);                // null for None
  std::vector<ir::Value*> tensors(std::string_view name);  // of a list; null for None
  Dim integer(std::string_view name);
  int64_t constant(std::string_view name);  // an int that must be known
  double number(std::string_view name);     // a number that must be known
  bool flag(std::string_view name);
  std::string text(std::string_view name);
  Shape ints(std::string_view name);
  std::vector<int64_t> constants(std::string_view name);  // ints that must be known
  std::vector<double> numbers(std::string_view name);
  std::optional<DType> dtype(std::string_view name);  // nullopt for None
  // A Scalar argument or a tensor as a 0-d value of a type.
  ir::Value* scalar(std::string_view name, DType dtype);

  // The type that PyTorch computes in for these arguments (tensors and numbers): its promotion
  // rules.
  DType promoted(std::initializer_list<std::string_view> names);
  bool is_number(std::string_view name) const;  // a Python number, not a tensor
  // Argument as a value of the type: a tensor cast, a number as a 0-d constant. Of a complex type,
  // as its parts.
  ir::Value* operand(std::string_view name, DType dtype);
  // A floating type for the argument's: itself, or f32 (PyTorch's default) for integers and
  // booleans.
  static DType floating(DType dtype) {
    return is_floating(dtype) || is_complex(dtype) ? dtype : DType::f32;
  }

  // Axis of a tensor from an argument that may be negative.
  int64_t axis(std::string_view name, ir::Value* of);
  static int64_t axis(int64_t value, ir::Value* of);
  // Whether an argument is a complex tensor or number.
  bool is_complex_number(std::string_view name) const;
  // Says that a result, a real value with a last axis of 2, is a complex tensor.
  ir::Value* complex(ir::Value* parts) {
    complex_.push_back(parts);
    return parts;
  }
  bool is_complex_result(const ir::Value* value) const {
    return std::find(complex_.begin(), complex_.end(), value) != complex_.end();
  }
  const Shape& shape(ir::Value* value);  // records an error where the rank is not known

  // Refuses the call: `why` is a fact about ONNX or the arguments.
  ir::Value* refuse(std::string why, std::string hint = {});
  bool refused() const { return refused_.has_value(); }
  std::optional<Error> take_refusal() { return std::move(refused_); }

  // More results than the one that the lowering returns.
  std::vector<ir::Value*> results;
  ir::Value* give(std::vector<ir::Value*> all) {
    results = std::move(all);
    return results.empty() ? nullptr : results[0];
  }

 private:
  Machine& machine_;
  const Schema& schema_;
  std::vector<Value>& arguments_;
  std::optional<Error> refused_;
  std::vector<const ir::Value*> complex_;
};

// Which calls a lowering takes: those without a complex tensor or number among the arguments and
// without a complex dtype asked for, the others, or both. A lowering reads a complex tensor as its
// parts, a last axis of 2, and says of complex results that they are (LowerContext::complex).
enum class Takes : uint8_t { real, complex, any };

struct Lowering {
  std::string_view name;
  ir::Value* (*lower)(LowerContext&);
  Takes takes = Takes::real;
};

// Whether anything computes this overload: a lowering, an operator on Python values, or the
// functional form of an in-place or out= variant.
bool can_convert(const Schema& schema, const Lowerings& lowerings);

// PyTorch's result type of two operands' types, of the same category rank (c10::promoteTypes).
DType promote(DType a, DType b);

}  // namespace tenon::torch
