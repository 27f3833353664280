// What the tests of reader and writer share: tables, and models put together field by field.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "ir/builder.h"
#include "ir/printer.h"
#include "ir/ref_kernel.h"
#include "onnx/message.h"
#include "onnx/proto.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "ops/tables.h"

namespace tenon::onnx::testing {

struct Tables {
  std::vector<const ir::OpSpec*> op_table = ops::op_table();
  std::vector<const Mapping*> onnx_table = ops::onnx_table();
  std::vector<const ir::RefKernel*> ref_table = ops::ref_table();
  ir::OpSet ops{op_table};
  Mappings mappings{onnx_table};
  ir::RefKernels kernels{ref_table};
};
inline const Tables& tables() {
  static const Tables all;
  return all;
}

inline std::shared_ptr<const std::byte> bytes_of(const std::string& text) {
  std::shared_ptr<std::byte[]> copy(new std::byte[text.size() + 1]);
  std::memcpy(copy.get(), text.data(), text.size());
  return {copy, copy.get()};
}
inline Result<std::unique_ptr<ir::Graph>> read_bytes(const std::string& text,
                                                     const ReadOptions& options = {}) {
  return read(bytes_of(text), text.size(), options, tables().ops, tables().mappings);
}
inline Result<std::string> write_bytes(const ir::Graph& graph, int opset) {
  return write(graph, {.opset = opset}, tables().ops, tables().mappings);
}

// The text of a graph without the numbers of its values.
inline std::string text(const ir::Graph& graph) {
  return std::regex_replace(ir::print(graph), std::regex("%\\d+:?"), "%");
}

// --- fields of a model

inline Message int_attribute(std::string_view name, int64_t value) {
  Message out;
  out.text(1, name);
  out.integer(3, value);
  out.integer(20, proto::kInt);
  return out;
}
inline Message ints_attribute(std::string_view name, std::initializer_list<int64_t> values) {
  Message out;
  out.text(1, name);
  for (const int64_t v : values) out.integer(8, v);
  out.integer(20, proto::kInts);
  return out;
}
inline Message float_attribute(std::string_view name, float value) {
  Message out;
  out.text(1, name);
  out.float32(2, value);
  out.integer(20, proto::kFloat);
  return out;
}
inline Message reference_attribute(std::string_view name, std::string_view of) {
  Message out;
  out.text(1, name);
  out.text(21, of);
  out.integer(20, proto::kInt);
  return out;
}
inline Message graph_attribute(std::string_view name, Message&& graph) {
  Message out;
  out.text(1, name);
  out.message(6, std::move(graph));
  out.integer(20, proto::kGraph);
  return out;
}

using Names = std::initializer_list<std::string_view>;

inline Message node(std::string_view op, Names inputs, Names outputs,
                    std::vector<Message> attributes = {}, std::string_view domain = "",
                    std::string_view name = "") {
  Message out;
  for (const auto i : inputs) out.text(1, i);
  for (const auto o : outputs) out.text(2, o);
  if (!name.empty()) out.text(3, name);
  out.text(4, op);
  for (Message& a : attributes) out.message(5, std::move(a));
  if (!domain.empty()) out.text(7, domain);
  return out;
}

// A negative size is a dimension without a value.
inline Message value_info(std::string_view name, DType dtype, std::vector<int64_t> dims) {
  Message shape;
  for (const int64_t d : dims) {
    Message dim;
    if (d >= 0) dim.integer(1, d);
    shape.message(1, std::move(dim));
  }
  Message tensor, type, out;
  tensor.integer(1, static_cast<int64_t>(dtype));
  tensor.message(2, std::move(shape));
  type.message(1, std::move(tensor));
  out.text(1, name);
  out.message(2, std::move(type));
  return out;
}

inline Message tensor(std::string_view name, const Tensor& value) {
  Message out;
  for (const int64_t d : value.shape()) out.integer(1, d);
  out.integer(2, static_cast<int64_t>(value.dtype()));
  out.text(8, name);
  out.bytes(9, value);
  return out;
}

struct ModelParts {
  std::vector<Message> inputs, outputs, initializers, nodes, functions;
  int opset = 17;
};

inline Message graph(ModelParts parts) {
  Message out;
  for (Message& n : parts.nodes) out.message(1, std::move(n));
  out.text(2, "g");
  for (Message& t : parts.initializers) out.message(5, std::move(t));
  for (Message& i : parts.inputs) out.message(11, std::move(i));
  for (Message& o : parts.outputs) out.message(12, std::move(o));
  return out;
}

inline Message opset_id(std::string_view domain, int version) {
  Message out;
  out.text(1, domain);
  out.integer(2, version);
  return out;
}

inline std::string model(ModelParts parts) {
  Message out;
  out.integer(1, 8);
  for (Message& f : parts.functions) out.message(25, std::move(f));
  out.message(8, opset_id("", parts.opset));
  out.message(8, opset_id("own", 1));
  out.message(7, graph(std::move(parts)));
  return out.str();
}

template <class... T>
std::vector<Message> list(T&&... items) {
  std::vector<Message> out;
  (out.push_back(std::forward<T>(items)), ...);
  return out;
}

inline Tensor floats(Dims dims, std::vector<float> values) {
  return Tensor::of<float>(DType::f32, std::move(dims), values);
}

}  // namespace tenon::onnx::testing
