// Computes ahead what depends on constants only, with the reference kernels.
#include <algorithm>

#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

// Bytes of a value, where its type says them.
std::optional<size_t> bytes_of(const ir::Value& value) {
  if (!value.type.is_tensor() || !value.shape()) return std::nullopt;
  const auto dims = ir::constant_dims(*value.shape());
  if (!dims) return std::nullopt;
  const int64_t count = element_count(*dims);
  if (count < 0 || count > (int64_t{1} << 40)) return std::nullopt;
  return byte_size(value.dtype(), count);
}

bool worth_folding(const ir::Node& node, const PassContext& context) {
  if (is_dead(node) || node.inputs().empty() || !node.subgraphs.empty()) return false;
  const ir::OpSpec* spec = context.ops.find(node.domain, node.op);
  if (spec == nullptr || spec->random || !context.kernels.find(node.domain, node.op)) return false;
  size_t in = 0;
  for (const ir::Value* input : node.inputs()) {
    if (input == nullptr) continue;
    if (!input->is_constant() || !input->constant->has_data()) return false;
    in += input->constant->nbytes();
  }
  size_t out = 0;
  for (const ir::Value* output : node.outputs()) {
    const auto bytes = bytes_of(*output);
    if (!bytes) return false;
    out += *bytes;
  }
  if (node.is("DequantizeLinear")) return context.fold_quantised && out <= context.fold_limit;
  // What is large must neither grow nor be made where weights are to stay as they are; but for
  // position embeddings that are resized for a larger image.
  constexpr size_t kSmall = size_t{1} << 16, kResized = size_t{1} << 24;
  if (node.is("Resize")) return out <= kResized && out <= 16 * in;
  return out <= kSmall || (out <= context.fold_limit && out <= 2 * in);
}

}  // namespace

Result<bool> fold_constants(ir::Graph& graph, const PassContext& context) {
  bool changed = false;
  for (ir::Node* node : snapshot(graph)) {
    if (!worth_folding(*node, context)) continue;
    std::vector<const Tensor*> inputs;
    for (const ir::Value* input : node->inputs())
      inputs.push_back(input ? &*input->constant : nullptr);
    auto results = ir::evaluate_node(*node, context.kernels, inputs);
    if (!results) continue;  // the model says so when it runs, where it runs there at all
    for (size_t i = 0; i < results->size(); ++i) {
      ir::Value* output = node->output(i);
      if (output->uses.empty() || !(*results)[i].has_data()) continue;
      if ((*results)[i].dtype() != output->dtype()) continue;
      changed |= replace_by_constant(output, std::move((*results)[i]), context);
    }
  }
  return changed;
}

}  // namespace tenon::passes
