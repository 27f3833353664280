// The values that a PyTorch program computes with, as the evaluator sees them: Python values that
// are known or symbolic, and tensors as views of storages.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/graph.h"

namespace tenon::torch {

using ir::Dim;
using ir::Shape;

struct Value;

// A float: known, or `factor * of + offset` of a symbolic integer, or computed by the graph (a 0-d
// tensor).
struct Float {
  double known = 0;
  std::optional<Dim> of;
  double factor = 1, offset = 0;
  ir::Value* computed = nullptr;
  bool is_known() const { return !of && computed == nullptr; }
};

// A bool: known, or a relation of symbolic integers, or computed by the graph (a 0-d boolean
// tensor).
struct Bool {
  enum class Kind : uint8_t { no, yes, relation, computed };
  Kind kind = Kind::no;
  ir::Guard::Relation relation = ir::Guard::Relation::eq;
  Dim lhs, rhs;
  ir::Value* computed = nullptr;
  static Bool of(bool known) { return {known ? Kind::yes : Kind::no, {}, {}, {}, nullptr}; }
  bool is_known() const { return kind == Kind::no || kind == Kind::yes; }
};

// One step from a tensor to a view of it.
struct ViewStep {
  // windows: of after[axis + 1] elements at every `step` along the axis; strided: elements of a
  // vector from `start` on, `strides` apart; conjugate: the second of the last axis's two negated
  enum class Kind : uint8_t {
    reshape,
    permute,
    slice,
    select,
    expand,
    windows,
    strided,
    conjugate
  };
  Kind kind = Kind::reshape;
  Shape before, after;
  std::vector<int64_t> permutation;  // of permute
  std::vector<int64_t> strides;      // of strided, whose shape is constant
  size_t axis = 0;                   // of slice, select, windows
  Dim start = 0;                     // of slice, strided; the index of select
  Dim step = 1;                      // of slice, windows
};

// The steps from a storage's base tensor, shared between views.
struct ViewChain {
  std::shared_ptr<const ViewChain> parent;  // null: the base tensor
  ViewStep step;
};
using ViewChainRef = std::shared_ptr<const ViewChain>;

// A tensor that may share memory with others or hold a copy: sizes or strides that are not known
// decide, or which way a branch went. Both agree as long as nothing is written; after a write, what
// the others hold is not known (Machine::check_alias).
struct AliasDoubt {
  static constexpr uint32_t kWhole = ~uint32_t{0};  // the storage's contents as such: no name of it
  uint32_t group = 0;  // which doubt; 0: none, the tensor surely shares its storage's memory
  uint64_t since = 0;  // Machine's count of writes when the doubt arose
  std::shared_ptr<const std::vector<uint32_t>> kin;  // further storages that it may share
};

// What makes a quantised tensor of one of integers: real = scale * (stored - zero point). There is
// one scale, or one for each place along an axis; they are known, or the graph computes them.
struct Quantiser {
  std::vector<double> scales, zero_points;
  int64_t axis = -1;                // -1: one scale for the whole tensor
  ir::Value* scale = nullptr;       // where it is computed: without dimensions, f32
  ir::Value* zero_point = nullptr;  // the same, of the tensor's type
  bool is_known() const { return scale == nullptr; }
  bool operator==(const Quantiser&) const = default;
};
using QuantiserRef = std::shared_ptr<const Quantiser>;

// Graphs hold no quantised tensors either, but the integers that they store: u8, i8 or i32, which
// is their dtype here.
//
// Graphs hold no complex numbers: a complex tensor is a real one there with a last axis of 2, the
// real and the imaginary part. Its storage and its view steps are of that form; its dtype, sizes
// and strides are what the program sees.
struct AbstractTensor {
  uint32_t storage = 0;
  DType dtype = DType::f32;
  Shape sizes;
  std::vector<Dim> strides;
  ViewChainRef view;            // null: the whole storage in its base shape
  bool wrapped = false;         // made from a Python number: weak in type promotion
  bool strides_unsure = false;  // an operator's result that may have kept the strides of its input
  AliasDoubt doubt;
  QuantiserRef quantiser;  // null: the tensor is not quantised
};
using TensorRef = std::shared_ptr<const AbstractTensor>;

struct ListRef {
  uint32_t id = 0;
  bool operator==(const ListRef&) const = default;
};
struct DictRef {
  uint32_t id = 0;
  bool operator==(const DictRef&) const = default;
};
struct ObjectRef {
  uint32_t id = 0;
  bool operator==(const ObjectRef&) const = default;
};
struct TupleData;
using TupleRef = std::shared_ptr<const TupleData>;
struct Device {
  std::string name;
  bool operator==(const Device&) const = default;
};
struct Range {
  Dim start, stop, step;
};
// Something that can be called or looked into by name: a function, a class, a bound method, a
// namespace.
struct Callable {
  std::string name;                    // qualified: "torch.add", "__torch__.f", "ops.prim"
  std::shared_ptr<const Value> bound;  // the object of a method
};
// A value that could not be computed, with the reason; using it where its value matters is an
// error.
struct Poison {
  std::string reason;
  bool uninitialised =
      false;  // of a variable that the program never reads without writing it first
};
// An Optional that data decides: the value where `present` holds, else None.
struct Maybe {
  Bool present;
  std::shared_ptr<const Value> value;
};
struct Complex {
  double re = 0, im = 0;
};

struct Value {
  std::variant<std::monostate, Bool, Dim, Float, std::string, TensorRef, ListRef, DictRef,
               ObjectRef, TupleRef, Device, Range, Callable, Poison, Complex, Maybe>
      v;

  Value() = default;
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Value> &&
             !std::is_same_v<std::remove_cvref_t<T>, bool> &&
             !std::is_arithmetic_v<std::remove_cvref_t<T>>)
  Value(T&& value) : v(std::forward<T>(value)) {}  // NOLINT: every alternative is a Value
  static Value boolean(bool b) { return Bool::of(b); }
  static Value integer(int64_t i) { return Dim(i); }
  static Value number(double d) { return Float{d, {}, 1, 0, nullptr}; }
  static Value tuple(std::vector<Value> items);

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(v);
  }
  template <class T>
  const T* get() const {
    return std::get_if<T>(&v);
  }
  bool is_none() const { return is<std::monostate>(); }
  std::string kind() const;  // "int", "Tensor", for messages
};

// A member of an enumeration.
Value enum_member(std::string type, Value value);

// Whether both are the same value: equal numbers and texts, the same graph value, the same object.
bool same(const Value& a, const Value& b);

struct TupleData {
  std::vector<Value> items;
  std::vector<std::string> names;  // of a NamedTuple
  std::string type;                // its qualified class
};

// The type of a complex type's parts; itself for others.
DType real_type(DType dtype);
// The complex type of parts of this type; undefined where there is none.
DType complex_type(DType dtype);
// A tensor's shape in the graph.
Shape graph_shape(const AbstractTensor& tensor);

// The same tensor, quantised so, or as plain integers for null.
TensorRef with_quantiser(const TensorRef& tensor, const QuantiserRef& quantiser);
// Whether both are quantised alike, or neither is.
bool same_quantiser(const AbstractTensor& a, const AbstractTensor& b);

// PyTorch's numbering of dtypes in programs (c10::ScalarType), and back. undefined / -1 where there
// is none.
DType dtype_of_scalar_type(int64_t scalar_type);
int64_t scalar_type_of_dtype(DType dtype);

}  // namespace tenon::torch
