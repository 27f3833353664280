// An ONNX model file as a tree of views: nothing here copies weights. Every string_view and span
// points into the bytes that were parsed, which must outlive the tree.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tenon::onnx::proto {

using Bytes = std::span<const std::byte>;
using StringPairs = std::vector<std::pair<std::string_view, std::string_view>>;

// One of the typed lists of a TensorProto, packed or one by one, as it stands in the file.
struct PackedChunk {
  int field = 0;
  std::string_view data;  // of packed chunks
  uint64_t single = 0;    // the bits of an element written alone
  bool packed = false;
};

struct Tensor {
  std::string_view name;
  int64_t dtype = 0;
  std::vector<int64_t> dims;
  bool has_raw = false;
  std::string_view raw;
  std::vector<PackedChunk> chunks;  // float_data, int32_data, int64_data, double_data, uint64_data
  std::vector<std::string_view> strings;
  bool external = false;
  StringPairs external_data;
};

struct TypeProto {
  enum class Kind { none, tensor, sequence, optional, other };
  struct Dim {
    enum class Kind { unknown, value, parameter } kind = Kind::unknown;
    int64_t value = 0;
    std::string_view parameter;
  };
  Kind kind = Kind::none;
  int64_t dtype = 0;
  bool has_shape = false;
  std::vector<Dim> dims;
  std::unique_ptr<TypeProto> element;
};

struct ValueInfo {
  std::string_view name;
  TypeProto type;
};

struct Graph;

struct Attribute {
  std::string_view name;
  std::string_view reference;  // the attribute of the enclosing function that gives the value
  int64_t type = 0;            // 0 where the file does not say
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::unique_ptr<Tensor> t;
  std::unique_ptr<Graph> g;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  bool other = false;  // sparse tensors, types, lists of tensors or graphs
};

enum AttributeType : int64_t {
  kFloat = 1,
  kInt = 2,
  kString = 3,
  kTensor = 4,
  kGraph = 5,
  kFloats = 6,
  kInts = 7,
  kStrings = 8,
};

struct Node {
  std::vector<std::string_view> inputs, outputs;
  std::string_view name, op, domain, overload, doc;
  std::vector<Attribute> attributes;
  StringPairs metadata;
};

struct Graph {
  std::string_view name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  bool has_sparse_initializers = false;
  std::vector<ValueInfo> inputs, outputs;
};

using OpsetImports = std::vector<std::pair<std::string_view, int64_t>>;

struct Function {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<Attribute> defaults;  // attributes that have one
  std::vector<Node> nodes;
  OpsetImports opsets;
};

struct Model {
  int64_t ir_version = 0;
  OpsetImports opsets;
  std::string_view producer, producer_version;
  StringPairs metadata;
  bool has_graph = false;
  Graph graph;
  std::vector<Function> functions;
};

// Graphs nested deeper than this are refused.
inline constexpr int kMaxDepth = 48;

Result<Model> parse_model(Bytes bytes);
// A serialised TensorProto or ValueInfoProto's TypeProto alone, as in ONNX's test data.
Result<Tensor> parse_tensor(Bytes bytes);

}  // namespace tenon::onnx::proto
