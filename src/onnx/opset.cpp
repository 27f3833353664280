#include "onnx/opset.h"

#include <algorithm>

namespace tenon::onnx {
namespace {

#include "onnx/opset_tables.inc"

std::span<const Schema> history(std::string_view op) {
  const auto [first, last] = std::equal_range(
      std::begin(kSchemas), std::end(kSchemas), op, [](const auto& a, const auto& b) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(a)>, Schema>)
          return a.op < b;
        else
          return a < b.op;
      });
  return {first, last};
}

const SchemaParameter* parameter(std::span<const SchemaParameter> all, size_t i) {
  if (i < all.size()) return &all[i];
  const bool repeats = !all.empty() && all.back().option == SchemaParameter::variadic;
  return repeats ? &all.back() : nullptr;
}

}  // namespace

std::span<const SchemaParameter> Schema::inputs() const {
  return std::span(kParameters).subspan(first_input, input_count);
}
std::span<const SchemaParameter> Schema::outputs() const {
  return std::span(kParameters).subspan(first_output, output_count);
}
std::span<const SchemaAttribute> Schema::attributes() const {
  return std::span(kAttributes).subspan(first_attribute, attribute_count);
}
const SchemaAttribute* Schema::attribute(std::string_view name) const {
  for (const SchemaAttribute& a : attributes()) {
    if (a.name == name) return &a;
  }
  return nullptr;
}
const SchemaParameter* Schema::input(size_t i) const { return parameter(inputs(), i); }
const SchemaParameter* Schema::output(size_t i) const { return parameter(outputs(), i); }

int newest_opset() { return kNewestOpset; }

const Schema* find_schema(std::string_view op, int opset) {
  const Schema* found = nullptr;
  for (const Schema& schema : history(op)) {
    if (schema.since <= opset) found = &schema;
  }
  return found && !found->deprecated ? found : nullptr;
}

int first_opset(std::string_view op) {
  const auto all = history(op);
  return all.empty() ? 0 : all.front().since;
}

int ir_version_of(int opset) {
  return kIrVersions[std::clamp(opset, kOldestReadable, kNewestOpset)];
}

uint64_t type_bit(const ir::Type& type) {
  switch (type.kind) {
    case ir::Type::Kind::sequence:
      return uint64_t{1} << kSequenceBit;
    case ir::Type::Kind::optional:
      return uint64_t{1} << kOptionalBit;
    case ir::Type::Kind::tensor:
      break;
  }
  return uint64_t{1} << static_cast<int>(type.dtype);
}

bool is_default(const SchemaAttribute& attribute, const ir::Attribute& value) {
  if (!attribute.has_default) return false;
  if (const auto* i = std::get_if<int64_t>(&value))
    return *i == static_cast<int64_t>(attribute.number);
  if (const auto* f = std::get_if<float>(&value)) return *f == static_cast<float>(attribute.number);
  if (const auto* s = std::get_if<std::string>(&value)) return *s == attribute.text;
  return false;
}

std::string_view onnx_name(DType dtype) {
  static constexpr std::string_view kNames[] = {
      "undefined",      "float",    "uint8",        "int8",           "uint16",
      "int16",          "int32",    "int64",        "string",         "bool",
      "float16",        "double",   "uint32",       "uint64",         "complex64",
      "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
      "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1",     "float8e8m0",
      "uint2",          "int2"};
  return kNames[static_cast<size_t>(dtype)];
}

}  // namespace tenon::onnx
