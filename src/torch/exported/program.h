// A program of torch.export as plain data. Schema: torch/_export/serde/schema.py (8.x) of PyTorch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "archive/stored_tensor.h"
#include "base/error.h"
#include "ir/dim.h"
#include "ir/graph.h"
#include "tenon/tensor.h"
#include "torch/exported/sympy.h"

namespace tenon::torch::exported {

struct Graph;

// The schema's own numbering.
enum class Layout : uint8_t {
  unknown,
  sparse_coo,
  sparse_csr,
  sparse_csc,
  sparse_bsr,
  sparse_bsc,
  mkldnn,
  strided
};
enum class MemoryFormat : uint8_t {
  unknown,
  contiguous,
  channels_last,
  channels_last_3d,
  preserve
};

// What a node takes or gives. Lists of any kind are one kind here, with an Argument for each
// element; a list of ints and symbolic ints holds both.
struct Argument {
  enum class Kind : uint8_t {
    none,
    tensor,  // text: the value's name
    integer,
    real,
    complex,        // real, imaginary
    boolean,        // integer is 0 or 1
    string,         // text
    sym_int,        // text: the value's name, described in Graph::sym_ints
    sym_float,      // the same in Graph::sym_floats
    sym_bool,       // the same in Graph::sym_bools
    dtype,          // dtype; integer: the schema's number
    memory_format,  // integer: a MemoryFormat
    layout,         // integer: a Layout
    device,         // text: "cpu", "cuda:0"
    graph,          // text: its name; graph
    custom_object,  // text: the value's name
    operation,      // text: an operator's name
    list,           // items; `element` is their kind, also where there are none
    dict,           // items; keys
  };
  Kind kind = Kind::none;
  Kind element = Kind::none;
  DType dtype = DType::undefined;
  int64_t integer = 0;
  double real = 0, imaginary = 0;
  std::string text = {};
  std::vector<Argument> items = {};
  std::vector<std::string> keys = {};
  std::shared_ptr<const Graph> graph = nullptr;

  bool is(Kind k) const { return kind == k; }
};

struct NamedArgument {
  std::string name;  // of the operator's schema; empty for higher-order operators
  Argument value;
  bool keyword = false;
};

struct Node {
  std::string target;  // "torch.ops.aten.conv2d.default", "_operator.add"
  std::string name;    // may be empty in old files
  std::vector<NamedArgument> inputs;
  std::vector<Argument> outputs;
  ir::OriginRef origin;
  // Whether a higher-order operator gives its one tensor bare, not in a list; where the file says.
  std::optional<bool> single_tensor_return;
};

struct TensorMeta {
  DType dtype = DType::undefined;
  ir::Shape sizes, strides;
  ir::Dim offset;
  bool requires_grad = false;
  std::string device;
  Layout layout = Layout::strided;
};

// A symbolic integer, and what it was at export. An expression that has no Dim (see to_dim) is a
// symbol of its own, named by its text.
struct SymInt {
  ir::Dim dim;
  std::optional<int64_t> hint;
};

struct Graph {
  std::vector<Argument> inputs, outputs;
  std::vector<Node> nodes;
  std::unordered_map<std::string, TensorMeta> tensors;
  std::unordered_map<std::string, SymInt> sym_ints;
  std::unordered_map<std::string, SymExpr> sym_floats, sym_bools;
  bool single_tensor_return = false;
};

// What each input of the program's graph is, in order.
struct InputSpec {
  enum class Kind : uint8_t {
    user_input,
    parameter,
    buffer,
    tensor_constant,
    custom_object,
    token,
    constant
  };
  Kind kind = Kind::user_input;
  Argument arg;            // the graph's value; for a constant: the value itself
  std::string name;        // the graph's value, or the constant argument's name
  std::string target;      // name in the state_dict or among the constants
  bool persistent = true;  // of a buffer
};

struct OutputSpec {
  enum class Kind : uint8_t {
    user_output,
    loss,
    buffer_mutation,
    parameter_mutation,
    user_input_mutation,
    gradient_to_parameter,
    gradient_to_user_input,
    token,
  };
  Kind kind = Kind::user_output;
  Argument arg;
  std::string target;  // the buffer, parameter or user input that changes or has the gradient
};

struct ModuleCall {
  std::string fqn;
  std::string in_spec, out_spec;  // pytree specifications, JSON; empty where the file has none
  std::vector<std::string> forward_arg_names;
};

// An example input as it was saved; exactly one of a tensor and a plain value.
struct SampleInput {
  std::optional<archive::StoredTensor> tensor;
  Argument value;
};

struct Program {
  std::string path;
  std::string model;  // the program's name inside the file, usually "model"
  int64_t schema_major = 0, schema_minor = 0;
  std::string torch_version;
  std::string dialect;  // "TRAINING", "ATEN": the verifier that the program passed
  std::map<std::string, int64_t> opset_versions;

  Graph graph;
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  ir::Ranges ranges;
  std::vector<std::string> guards;  // Python expressions that held at export
  std::vector<ModuleCall> modules;  // the first is the program itself

  // Parameters, buffers and tensor constants by their full names. Equal storage keys are shared
  // memory.
  std::map<std::string, archive::StoredTensor, std::less<>> weights, constants;
  // Flattened in the order of the user and constant inputs; empty where the file has none that can
  // be read.
  std::vector<SampleInput> samples;

  Where where(std::string node = {}) const { return {.file = path, .node = std::move(node)}; }
};

// Reads a .pt2 file of torch.export.save, of the layout since PyTorch 2.8 or of the one before.
Result<Program> read_program(const std::string& path);

// The JSON alone, without weights; `where` names it in errors.
Result<Program> parse_program(std::string_view json, const Where& where);

}  // namespace tenon::torch::exported
