// PyTorch's operator schemas: "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) ->
// Tensor".
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tenon::torch {

// A type as schemas and annotations write it.
struct SchemaType {
  enum class Kind : uint8_t {
    tensor,
    integer,
    floating,
    boolean,
    complex,
    string,
    number,
    device,
    dtype_like,
    generator,
    list,
    optional,
    dict,
    tuple,
    any,
    variable,
    none,
    future,
    object
  };
  Kind kind = Kind::any;
  std::string name;  // as written, for messages; of an object, its class
  std::vector<SchemaType>
      inner;  // element of a list or an optional, key and value of a dict, members of a tuple
  int fixed_size = 0;  // N of int[N]: a single int is taken for all N
  bool is(Kind k) const { return kind == k; }
};

struct SchemaArgument {
  std::string name;
  SchemaType type;
  std::optional<std::string>
      default_text;  // as written: "None", "[0, 0]", "1e-05", "\"valid\"", "contiguous_format"
  bool keyword_only = false;
  bool written = false;  // Tensor(a!): the operator writes to it
  bool aliased = false;  // Tensor(a) or Tensor(a!)
};

struct Schema {
  std::string name;      // "aten::add"
  std::string overload;  // "Tensor", may be empty
  std::vector<SchemaArgument> arguments;
  std::vector<SchemaArgument> returns;
  bool variadic = false;
  std::string full_name() const { return overload.empty() ? name : name + "." + overload; }
};

Result<Schema> parse_schema(std::string_view text);
SchemaType parse_type(std::string_view text);

// The overloads of an operator in PyTorch's order; empty where PyTorch has no such operator. Parsed
// on first use; may be called from several threads.
std::span<const Schema> find_schemas(std::string_view name);
const Schema* find_overload(std::string_view name, std::string_view overload);

}  // namespace tenon::torch
