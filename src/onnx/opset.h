// What every ONNX operator of the default domain takes, opset by opset: the history of their
// schemas.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ir/graph.h"

namespace tenon::onnx {

struct SchemaParameter {
  enum Option : uint8_t { single = 0, optional = 1, variadic = 2 };
  std::string_view name;
  int8_t type_variable;  // parameters with the same one have the same type; -1: none
  uint8_t option;
  uint64_t types;  // bit n: tensors of DType n
};
inline constexpr int kSequenceBit = 40, kOptionalBit = 41;

struct SchemaAttribute {
  std::string_view name;
  int8_t type;  // proto::AttributeType
  bool required;
  bool has_default;
  double number;
  std::string_view text;
};

struct Schema {
  std::string_view op;
  int since;
  bool deprecated;
  int16_t first_input, input_count, first_output, output_count, first_attribute, attribute_count;
  int min_inputs, max_inputs, min_outputs, max_outputs;  // -1: any number

  std::span<const SchemaParameter> inputs() const;
  std::span<const SchemaParameter> outputs() const;
  std::span<const SchemaAttribute> attributes() const;
  const SchemaAttribute* attribute(std::string_view name) const;
  // The parameter that describes input i; null where there is none.
  const SchemaParameter* input(size_t i) const;
  const SchemaParameter* output(size_t i) const;
};

int newest_opset();
inline constexpr int kOldestReadable = 7, kOldestWritable = 11;
// The schema in force at the opset; null where the operator does not exist there (yet, or any
// more).
const Schema* find_schema(std::string_view op, int opset);
// The opset in which the operator appears; 0 where ONNX has no such operator.
int first_opset(std::string_view op);
// The first opset from `opset` on in which `accepts` holds of the operator's schema; 0: none.
template <class F>
int first_opset_where(std::string_view op, int opset, F&& accepts) {
  for (int n = opset; n <= newest_opset(); ++n) {
    const Schema* schema = find_schema(op, n);
    if (schema && accepts(*schema)) return n;
  }
  return 0;
}
int ir_version_of(int opset);

uint64_t type_bit(const ir::Type& type);
inline bool accepts(const SchemaParameter* parameter, const ir::Type& type) {
  return parameter != nullptr && (parameter->types & type_bit(type)) != 0;
}
inline bool accepts(const SchemaParameter* parameter, DType dtype) {
  return parameter != nullptr && (parameter->types >> static_cast<int>(dtype) & 1) != 0;
}
// True where the value is the attribute's default.
bool is_default(const SchemaAttribute& attribute, const ir::Attribute& value);
std::string_view onnx_name(DType dtype);  // "tensor(float)"'s "float"

}  // namespace tenon::onnx
