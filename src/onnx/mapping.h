// What stands between ONNX's operators, version by version, and the canonical ones: the interface
// of the operators' *.onnx.cpp files.
//
// Most operators are a row: `plain<Softplus>()`. The reader fills in defaults, the writer leaves
// out what the opset does not know and has its default value; types that an opset lacks are
// computed in a wider one. Where a version differs in more than that, the row has functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/builder.h"
#include "onnx/opset.h"

namespace tenon::onnx {

using Values = std::vector<ir::Value*>;

// A node as it stands in a file, about to become canonical nodes.
struct ImportContext {
  ir::Builder& b;
  int opset;
  std::string_view domain;
  std::string_view op;
  ir::Attributes attributes;
  Values inputs;  // null where an optional input is absent
  size_t outputs;
  std::vector<std::string> graphs;  // names of the attributes that are graphs
  // Reads the graph attribute `name` into `into`. The file's inputs are `bound`, in order, or the
  // inputs that `into` has already, or are made from the file's declarations.
  std::function<Status(std::string_view name, ir::Graph& into, const Values& bound)> read_graph;

  ir::Value* input(size_t i) const { return i < inputs.size() ? inputs[i] : nullptr; }
  bool has(size_t i) const { return input(i) != nullptr; }
  // Takes an attribute away: what is left belongs to the canonical operator.
  template <class T>
  std::optional<T> take(std::string_view name) {
    const ir::Attribute* found = attributes.find(name);
    if (found == nullptr) return std::nullopt;
    const T* value = std::get_if<T>(found);
    std::optional<T> out = value ? std::optional<T>(*value) : std::nullopt;
    attributes.erase(name);
    return out;
  }
  // Drops trailing inputs, or appends absent ones, so that there are `count`.
  void resize(size_t count) { inputs.resize(count, nullptr); }
  // Emits the node `Op` with what is in `attributes` and `inputs`, defaults filled in.
  template <class Op>
  Result<Values> emit();
  Result<Values> emit(std::string op, ir::Attributes complete);
  std::unexpected<Error> fail(std::string why, std::string hint = {}) const;
};

// A canonical node, about to be written at an opset. An export function leaves it as it is, changes
// it to its form at the opset, or replaces it by canonical nodes that are then written in turn.
struct ExportContext {
  ir::Builder& b;  // emits canonical nodes before this one
  ir::Graph& graph;
  ir::Node* node;
  int opset;
  bool replaced = false;

  ir::Value* input(size_t i) const { return node->input(i); }
  bool has(size_t i) const { return input(i) != nullptr; }
  // Whether the opset has the operator under its own name and takes this node's types.
  bool native() const;
  template <class Op>
  Op as() const {
    return node->as<Op>();
  }
  // The canonical nodes' values take the place of the node's outputs (null: an output not in use).
  Status replace(const Values& values);
  // The constant input `index` and those after it become absent, its integers an attribute. An
  // absent input gives no attribute.
  Status input_to_attribute(size_t index, std::string attribute);
  void set_inputs(const Values& inputs);
  void set_attribute(std::string name, ir::Attribute value) {
    node->attributes.set(std::move(name), std::move(value));
  }
  void drop_attribute(std::string_view name) { node->attributes.erase(name); }
  std::optional<std::vector<int64_t>> constant_ints(size_t i) const;
  // The operator or this use of it is not to be had at the opset.
  std::unexpected<Error> fail(std::string why, int appears = 0) const;
};

// How the writer helps an operator over types that the opset does not list for it.
enum class Widen : uint8_t {
  halves,   // f16 and bf16 are computed in f32
  numbers,  // and integers in a wider type that holds them: results are inputs, or fit again
};

struct Mapping {
  std::string_view op;
  // Null for operators that exist only in files: their import gives others.
  Result<ir::Attributes> (*defaults)(const ir::Attributes&) = nullptr;
  Result<Values> (*read)(ImportContext&) = nullptr;  // null: the node as it is
  Status (*write)(ExportContext&) = nullptr;         // null: the node as it is
  Widen widen = Widen::halves;
  std::string_view domain = {};
  // Of an operator of our own that `write` does not compose: what ONNX lacks.
  std::string_view lacks = {};
};

// The attributes with the operator's defaults for those that are absent.
template <class Op>
Result<ir::Attributes> with_defaults(const ir::Attributes& attributes) {
  const Op op = TRY(ir::from_attributes<Op>(attributes));
  return ir::to_attributes(op);
}

struct MappingOptions {
  Result<Values> (*read)(ImportContext&) = nullptr;
  Status (*write)(ExportContext&) = nullptr;
  Widen widen = Widen::halves;
};
template <class Op>
constexpr Mapping plain(MappingOptions options = {}) {
  return {.op = Op::kName,
          .defaults = &with_defaults<Op>,
          .read = options.read,
          .write = options.write,
          .widen = options.widen};
}
// An operator of our own domain: how it is composed from ONNX's, or what ONNX lacks for that.
template <class Op>
constexpr Mapping composed(Status (*write)(ExportContext&)) {
  Mapping out = plain<Op>({.write = write});
  out.domain = Op::kDomain;
  return out;
}
template <class Op>
constexpr Mapping lacking(std::string_view what) {
  Mapping out = plain<Op>();
  out.domain = Op::kDomain;
  out.lacks = what;
  return out;
}
// An operator that is read into others.
constexpr Mapping read_only(std::string_view op, Result<Values> (*read)(ImportContext&)) {
  return {.op = op, .read = read};
}

template <class Op>
Result<Values> ImportContext::emit() {
  return emit(std::string(Op::kName), TRY(with_defaults<Op>(attributes)));
}

class Mappings {
 public:
  Mappings() = default;
  explicit Mappings(std::span<const Mapping* const> all);
  const Mapping* find(std::string_view domain, std::string_view op) const;

 private:
  std::unordered_map<std::string, const Mapping*> all_;  // "domain::op"
};

// The elements of a constant, or of a value whose contents are known to be constant.
std::optional<std::vector<int64_t>> constant_ints(const ir::Value* value);

// An input that was an attribute in older versions: appends it as a constant vector where the file
// has the attribute.
void attribute_to_input(ImportContext& c, std::string_view attribute, size_t index);

// Computes the node in a wider type: casts its inputs of type `from` to `to`, and its outputs back.
Status compute_in(ExportContext& c, DType from, DType to);

}  // namespace tenon::onnx
