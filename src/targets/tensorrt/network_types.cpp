#include "targets/tensorrt/network_types.h"

namespace tenon::tensorrt {
namespace {

bool same(DType wanted, const std::string& got, bool typed) {
  if (got == name(wanted)) return true;
  if (typed) return false;
  // Wishes for half precision are written to the layers afterwards, and tell nothing here.
  if (wanted == DType::f16 && got == "f32") return true;
  return (wanted == DType::i64 && got == "i32") || (wanted == DType::f64 && got == "f32");
}

}  // namespace

std::map<std::string, DType> tensor_types(const ir::Graph& written) {
  std::map<std::string, DType> out;
  const auto add = [&](const ir::Value* value) {
    if (value->type.is_tensor() && value->dtype() != DType::undefined)
      out.emplace(value->name, value->dtype());
  };
  for (const ir::Value* input : written.inputs()) add(input);
  ir::for_each_node(written, [&](const ir::Node& node) {
    for (const ir::Value* value : node.outputs()) add(value);
    for (const ir::Subgraph& sub : node.subgraphs) {
      for (const ir::Value* input : sub.graph->inputs()) add(input);
    }
  });
  return out;
}

TypeCheck check_types(const Network& network, const std::map<std::string, DType>& wanted,
                      bool typed) {
  TypeCheck out;
  const auto look = [&](const std::string& layer, const NetworkTensor& tensor) {
    const auto found = wanted.find(tensor.name);
    if (found == wanted.end())
      ++out.own;
    else if (same(found->second, tensor.dtype, typed))
      ++out.verified;
    else
      out.mismatches.push_back(
          {layer, tensor.name, std::string(name(found->second)), tensor.dtype});
  };
  for (const NetworkTensor& input : network.inputs) look("", input);
  for (const NetworkLayer& layer : network.layers) {
    for (const NetworkTensor& tensor : layer.outputs) {
      look(layer.name, tensor);
      ++out.layers[tensor.dtype];
    }
  }
  return out;
}

}  // namespace tenon::tensorrt
