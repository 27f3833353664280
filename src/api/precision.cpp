#include "api/precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "onnx/opset.h"

namespace tenon::api {
namespace {

constexpr std::string_view kState = "tenon.state.";

Status wrong_io(std::string_view text, std::string why) {
  return fail({.kind = ErrorKind::usage,
               .what = fmt::format("cannot use --io-types {}", text),
               .why = std::move(why),
               .hint = "for example --io-types fp16, or --io-types image:fp16,boxes:keep"});
}

// Names of the inputs and outputs that hold what a call leaves for the next one.
std::set<std::string, std::less<>> state_names(const ir::Graph& graph) {
  std::set<std::string, std::less<>> out;
  for (const auto& [key, value] : graph.metadata) {
    if (!key.starts_with(kState)) continue;
    out.insert(key.substr(kState.size()));
    out.insert(value.substr(0, value.find('\n')));
  }
  return out;
}

// An input or output by its name, or by its position as in "input_0".
const ir::Value* find_io(const ir::Graph& graph, std::string_view name) {
  const auto find = [&](std::span<ir::Value* const> values, std::string_view what,
                        bool by_position) -> const ir::Value* {
    for (size_t i = 0; i < values.size(); ++i) {
      if (by_position ? name == fmt::format("{}_{}", what, i) : values[i]->name == name)
        return values[i];
    }
    return nullptr;
  };
  for (const bool by_position : {false, true}) {
    if (const auto* value = find(graph.inputs(), "input", by_position)) return value;
    if (const auto* value = find(graph.outputs(), "output", by_position)) return value;
  }
  return nullptr;
}

Status set_io_types(const ir::Graph& graph, const std::string& text,
                    passes::ReducedPrecisionOptions& options) {
  const auto state = state_names(graph);
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view entry = std::string_view(text).substr(at, comma - at);
    at = comma + 1;
    const size_t colon = entry.rfind(':');
    const bool all = colon == std::string_view::npos;
    const std::string_view kind = all ? entry : entry.substr(colon + 1);
    const DType type = kind == "keep" ? DType::f32 : precision_from_name(kind);
    if (type == DType::undefined)
      return wrong_io(text, fmt::format("'{}' is none of keep, fp32, fp16 and bf16", kind));
    if (all) {
      options.io = type;
      continue;
    }
    const std::string name(entry.substr(0, colon));
    const ir::Value* value = find_io(graph, name);
    if (value == nullptr) {
      std::string names;
      for (const auto& values : {graph.inputs(), graph.outputs()}) {
        for (const ir::Value* v : values)
          names += fmt::format("{}{}", names.empty() ? "" : ", ", v->name);
      }
      return wrong_io(text,
                      fmt::format("the model has no input or output '{}', but {}", name, names));
    }
    if (!value->type.is_tensor() || value->dtype() != DType::f32)
      return wrong_io(text, fmt::format("'{}' is {} in the model, and only fp32 is reduced", name,
                                        value->type.str()));
    if (state.contains(value->name) && type != DType::f32)
      return wrong_io(text,
                      fmt::format("'{}' is state, whose first value the file holds in fp32", name));
    options.io_of[value->name] = type;
  }
  for (const std::string& name : state) options.io_of[name] = DType::f32;
  return {};
}

bool in_module(const ir::Node& node, std::string_view module) {
  if (!node.origin) return false;
  const std::string& path = node.origin->module;
  return path.starts_with(module) && (path.size() == module.size() || path[module.size()] == '.');
}

bool matches(const ir::Node& node, const std::string& entry) {
  return node.name == entry || in_module(node, entry) ||
         (node.domain.empty() ? node.op == entry : node.domain + "::" + node.op == entry);
}

Status check_kept(const ir::Graph& graph, const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    bool found = false;
    ir::for_each_node(graph, [&](const ir::Node& node) { found |= matches(node, entry); });
    if (found) continue;
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("cannot keep '{}' in fp32", entry),
                 .why = "the model has no operator, node or module of this name",
                 .hint = "operators are named as in ONNX (Softmax), nodes as in the file that "
                         "convert writes, modules as in PyTorch (layer4.1)"});
  }
  return {};
}

bool with_bf16(const ir::Type& type) {
  return type.is_tensor() ? type.dtype == DType::bf16 : type.element && with_bf16(*type.element);
}

// Operators that the opset lacks are composed of others, which takes care of types too.
std::string refuses(const ir::Node& node, bool output, size_t index, const ir::Type& type,
                    int opset) {
  if (!type.is_tensor()) return with_bf16(type) ? "ONNX has no sequences of bf16" : std::string();
  const onnx::Schema* schema = node.domain.empty() ? onnx::find_schema(node.op, opset) : nullptr;
  if (schema == nullptr) return {};
  const auto parameter = [&](const onnx::Schema& s) {
    return output ? s.output(index) : s.input(index);
  };
  if (parameter(*schema) == nullptr || onnx::accepts(parameter(*schema), type)) return {};
  const int appears = onnx::first_opset_where(
      node.op, opset, [&](const onnx::Schema& s) { return onnx::accepts(parameter(s), type); });
  const std::string_view kind = precision_name(type.dtype);
  return appears > 0 ? fmt::format("ONNX takes it in {} from opset {} on", kind, appears)
                     : fmt::format("ONNX does not take it in {}", kind);
}

}  // namespace

DType precision_from_name(std::string_view name) {
  if (name == "fp16") return DType::f16;
  if (name == "bf16") return DType::bf16;
  return name == "fp32" ? DType::f32 : DType::undefined;
}

std::string_view precision_name(DType type) {
  return type == DType::f16 ? "fp16" : type == DType::bf16 ? "bf16" : "fp32";
}

Result<passes::ReducedPrecision> reduce_precision(ir::Graph& graph, const PrecisionOptions& options,
                                                  const Tables& tables) {
  if (options.type == DType::bf16 && options.opset < 13) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("bf16 cannot be written at opset {}", options.opset),
                 .why = "ONNX has no casts to and from bfloat16 before opset 13",
                 .hint = "use --opset 13 or newer; convolutions take bf16 from opset 22 on"});
  }
  ir::assign_names(graph);
  TRY(check_kept(graph, options.keep_fp32));
  passes::ReducedPrecisionOptions pass{.type = options.type};
  TRY(set_io_types(graph, options.io_types, pass));
  pass.keep = [&](const ir::Node& node) {
    const bool asked = std::ranges::any_of(
        options.keep_fp32, [&](const std::string& entry) { return matches(node, entry); });
    return asked ? std::string("--keep-fp32 asks for it") : std::string();
  };
  pass.refuses = [&](const ir::Node& node, bool output, size_t index, const ir::Type& type) {
    return refuses(node, output, index, type, options.opset);
  };
  return passes::reduce_precision(graph, pass, {tables.ops, tables.refs});
}

}  // namespace tenon::api
