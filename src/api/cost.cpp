#include "api/cost.h"

namespace tenon::api {
namespace {

double elements(const ir::Value* value, const ir::Bindings& sizes) {
  if (value == nullptr || !value->type.is_tensor() || !value->shape()) return 0;
  double out = 1;
  for (const ir::Dim& dim : *value->shape()) {
    const auto size = dim.evaluate(sizes);
    out *= size ? static_cast<double>(*size) : 1;
  }
  return out;
}

double last_size(const ir::Value* value, size_t from_end, const ir::Bindings& sizes) {
  if (value == nullptr || !value->shape() || value->shape()->size() < from_end) return 1;
  const auto size = (*value->shape())[value->shape()->size() - from_end].evaluate(sizes);
  return size ? static_cast<double>(*size) : 1;
}

}  // namespace

double multiply_adds(const ir::Graph& graph, const ir::Bindings& sizes) {
  double sum = 0;
  ir::for_each_node(graph, [&](const ir::Node& node) {
    if (node.outputs().empty()) return;
    const double out = elements(node.output(), sizes);
    if (node.is("Conv") || node.is("ConvTranspose")) {
      // Each weight of a filter works once for each position of the output (Conv) or the input.
      const ir::Value* weight = node.input(1);
      const ir::Value* placed = node.is("Conv") ? node.output() : node.input(0);
      const double channels =
          weight && weight->shape() && !weight->shape()->empty()
              ? elements(weight, sizes) /
                    std::max(1.0, last_size(weight, weight->shape()->size(), sizes))
              : 1;
      sum += elements(placed, sizes) * channels;
    } else if (node.is("MatMul")) {
      sum += out * last_size(node.input(0), 1, sizes);
    } else if (node.is("Gemm")) {
      const bool transposed = node.attributes.get<int64_t>("transA", 0) != 0;
      sum += out * last_size(node.input(0), transposed ? 2 : 1, sizes);
    } else if (node.is("Attention")) {
      sum += 2 * out * last_size(node.input(1), 2, sizes);
    }
  });
  return sum;
}

}  // namespace tenon::api
