// The evaluator's core: the state, the graph being built, and the operations that both front ends
// (TorchScript code and exported programs) are made of: calling an operator by its schema, reading
// and writing tensors, views.
#pragma once

#include <functional>
#include <initializer_list>
#include <set>
#include <unordered_map>

#include "ir/builder.h"
#include "ir/ref_kernel.h"
#include "torch/schema.h"
#include "torch/state.h"

namespace tenon::torch {

struct Lowering;
class LowerContext;

// How much control flow is kept.
enum class Mode : uint8_t { automatic, trace, script };

// The operators' lowerings, by name (torch/lowering.h).
class Lowerings {
 public:
  Lowerings() = default;
  explicit Lowerings(std::span<const Lowering* const> all);
  const Lowering* find(const Schema& schema) const { return find(real_, schema); }
  // Of calls with complex arguments or results.
  const Lowering* find_complex(const Schema& schema) const { return find(complex_, schema); }
  size_t size() const { return real_.size(); }

 private:
  using Table = std::unordered_map<std::string, const Lowering*>;
  static const Lowering* find(const Table& table, const Schema& schema);
  Table real_, complex_;
};

// Something about the conversion that its user should know.
struct Notice {
  std::string text;
  Where where;
};

// A condition that data decides, and which way it went.
struct Fact {
  Bool condition;
  bool holds = true;
};

class Machine {
 public:
  Machine(ir::Graph& graph, const ir::OpSet& ops, const Lowerings& lowerings, Mode mode)
      : builder(graph, ops), lowerings_(&lowerings), mode_(mode) {}

  State state;
  ir::Builder builder;
  std::vector<Error> problems;  // operators that cannot be converted; evaluation goes on past them
  std::vector<Notice> notices;
  // What computes numbers that the program derives from constants alone; may be null.
  const ir::RefKernels* kernels = nullptr;
  // Conditions that hold where evaluation is: those of the branches and loops around it.
  std::vector<Fact> facts;
  Mode mode() const { return mode_; }
  ir::Ranges ranges() const { return builder.graph().ranges(); }

  // --- operators (dispatch.cpp)
  // Calls "aten::add" by the overload that the arguments fit. Keywords run parallel to the tail of
  // the arguments.
  Result<Value> call(const std::string& name, std::vector<Value> positional,
                     std::vector<std::pair<std::string, Value>> keywords = {});
  // Calls one overload with arguments in its order, defaults filled in.
  Result<Value> call_overload(const Schema& schema, std::vector<Value> arguments);
  Result<std::vector<Value>> bind(const Schema& schema, const std::vector<Value>& positional,
                                  const std::vector<std::pair<std::string, Value>>& keywords,
                                  bool conversions);

  // --- tensors (tensors.cpp)
  // A fresh tensor that holds a graph value, contiguous; a complex one whose parts are the value's
  // last axis.
  Value tensor(ir::Value* value, bool complex = false);
  Value known_tensor(DType dtype, Shape shape, std::vector<Scalar> elements, bool wrapped = false);
  Value parameter(Tensor data, Shape strides, std::string name);
  Value uninitialised(DType dtype, Shape shape);
  // What a tensor holds now, as a value visible where the graph is being built.
  Result<ir::Value*> read(const AbstractTensor& tensor);
  // The same converted to a type, complex or real, as PyTorch does.
  Result<ir::Value*> read_as(const AbstractTensor& tensor, DType dtype);
  // Changes what a tensor, and everything that shares its memory, holds. The value, in the form
  // that the tensor has in the graph, is broadcast and cast to the tensor.
  Status write(const AbstractTensor& tensor, ir::Value* value);
  Result<Value> view(const TensorRef& base, ViewStep step, std::vector<Dim> strides);
  // The tensor, which may share memory with its storage, and the storages of `others` that are
  // older than `before`, or be a copy.
  TensorRef doubtful(const TensorRef& tensor, std::initializer_list<TensorRef> others = {},
                     size_t before = 0);
  std::optional<std::vector<Scalar>> known(const AbstractTensor& tensor) const;
  // The value, where it comes from small constants alone (constants.cpp).
  std::optional<Tensor> computed(const ir::Value& value);
  static std::vector<Dim> contiguous_strides(const Shape& sizes);
  bool is_contiguous(const AbstractTensor& tensor) const;

  // --- Python values (scalars.cpp)
  Result<Dim> to_int(
      const Value& value);  // bools and 0-d tensors too; a symbol for what the graph computes
  Result<int64_t> to_constant_int(const Value& value, std::string_view what);
  Result<Float> to_float(const Value& value);
  Result<Bool> to_bool(const Value& value);
  // A 0-d graph value of a number; of a complex type, its two parts.
  Result<ir::Value*> scalar_value(const Value& number, DType dtype);
  Result<ir::Value*> bool_value(const Bool& b);
  std::string to_text(const Value& value) const;  // as Python's str()
  // Decides a condition by the declared ranges; nullopt where data decides it.
  std::optional<bool> decide(const Bool& condition) const;
  Bool negate(const Bool& b);

  // --- containers
  Value list(std::vector<Value> items);
  // Fails where the container would hold itself by holding the item, or where all that the item
  // holds, counted as often as it is held, is more than any program needs: values are walked
  // without looking for either.
  Status may_hold(const Value& container, const Value& item) const;
  // Null for what is neither, and for a list whose length data decides.
  const std::vector<Value>* items(const Value& list_or_tuple) const;
  Result<std::vector<Value>> iterate(const Value& value);
  Result<Shape> to_shape(const Value& list);

  // --- lists whose length data decides (sequences.cpp)
  bool is_sequence(const Value& value) const;
  // The list as a sequence of the graph; `sample` tells the kind of elements of one that is empty.
  Result<ir::Value*> sequence(const ListData& list, const Value& sample);
  Status append_to_sequence(uint32_t list, const Value& item);
  Result<Value> sequence_item(const ListData& list, const Value& index);
  Result<Value> sequence_length(const ListData& list);
  // torch.cat and torch.stack of such a list.
  Result<Value> join_sequence(const ListData& list, const Value& dim, bool stacked);

  Error error(ErrorKind kind, std::string what, std::string why, std::string hint = {}) const;
  std::unexpected<Error> fail(ErrorKind kind, std::string what, std::string why,
                              std::string hint = {}) const {
    return std::unexpected<Error>(error(kind, std::move(what), std::move(why), std::move(hint)));
  }
  // Records that an operator cannot be converted, and gives the value that stands for its result.
  Value unsupported(const std::string& what, const std::string& why, const std::string& hint = {});
  // A notice that is given once, however often it applies.
  void notice_once(const std::string& text, const Where& where = {});
  // The relation is relied on from here on and checked when the graph runs.
  void assume(const Bool& condition, bool value, const std::string& reason);

 private:
  Result<Value> lower(const Schema& schema, const Lowering& lowering,
                      std::vector<Value>& arguments);
  Result<Value> in_place(const Schema& schema, std::vector<Value>& arguments);
  Result<Value> wrap_results(const Schema& schema, const LowerContext& context,
                             bool strides_unsure);
  Result<ir::Value*> complex_scalar(const Value& number, DType dtype);
  bool keeps_strides(const std::vector<Value>& arguments) const;
  Result<Value> missing(const Schema& schema, const std::vector<Value>& arguments);
  Status need_real(const AbstractTensor& tensor, const char* what) const;
  // Fails where what the tensor holds depends on whether a write reached it.
  Status check_alias(const AbstractTensor& tensor) const;
  Result<ir::Value*> base_value(uint32_t storage);
  Result<ir::Value*> read_chain(uint32_t storage, const ViewChainRef& view);
  ir::Value* apply(const ViewStep& step, ir::Value* value);
  Result<ir::Value*> apply_inverse(const ViewStep& step, ir::Value* whole, ir::Value* part);

  const Lowerings* lowerings_;
  Mode mode_;
  uint32_t doubts_ = 0;
  uint64_t writes_ = 0;
  std::map<const ir::Value*, std::optional<Tensor>> computed_;
};

// A Python-level operator (on numbers, lists, strings) or one on views: works on values, not on
// graph values.
struct Builtin {
  // "aten::add.int"; "aten::add.#" for all overloads that take only numbers; "aten::len.*" for all
  // that no other names.
  std::string_view name;
  Result<Value> (*run)(Machine&, const Schema&, std::vector<Value>& arguments);
};
std::span<const Builtin> python_builtins();      // builtins.cpp
std::span<const Builtin> list_builtins();        // containers.cpp
std::span<const Builtin> string_builtins();      // strings.cpp
std::span<const Builtin> view_builtins();        // views.cpp
std::span<const Builtin> place_view_builtins();  // place_views.cpp
std::span<const Builtin> copy_builtins();        // copies.cpp
std::span<const Builtin> complex_builtins();     // complex.cpp
std::span<const Builtin> tensor_builtins();      // tensor_builtins.cpp
std::span<const Builtin> quantised_builtins();   // quantised_operators.cpp
// Elementwise arithmetic on tensors whose contents are known (traced shape arithmetic runs on 0-d
// tensors); nullopt where the operator is another or something is not known.
Result<std::optional<Value>> known_arithmetic(Machine&, const Schema&,
                                              const std::vector<Value>& arguments);  // known.cpp

}  // namespace tenon::torch
