// Numbers that a program derives from constants alone: a scale from sizes that are fixed. They are
// computed while it is converted, so that what depends on them, sizes and branches, is known.
#include "torch/machine.h"

namespace tenon::torch {
namespace {

constexpr int64_t kMostElements = 4096;  // of each tensor on the way
constexpr int kDeepest = 64;             // operators from the constants to the value

bool small(const Tensor& tensor) { return tensor.count() <= kMostElements; }

std::optional<Tensor> compute(const ir::Value& value, const ir::OpSet& ops,
                              const ir::RefKernels& kernels, int depth,
                              std::map<const ir::Value*, std::optional<Tensor>>& known) {
  if (value.constant) return small(*value.constant) ? value.constant : std::nullopt;
  const ir::Node* node = value.producer;
  if (node == nullptr || !node->subgraphs.empty() || depth > kDeepest) return std::nullopt;
  if (auto it = known.find(&value); it != known.end()) return it->second;
  std::optional<Tensor>& out = known[&value];
  const ir::OpSpec* spec = ops.find(node->domain, node->op);
  if (spec == nullptr || spec->random) return std::nullopt;
  std::vector<Tensor> inputs;
  std::vector<const Tensor*> given;
  inputs.reserve(node->inputs().size());
  for (const ir::Value* input : node->inputs()) {
    if (input == nullptr) {
      given.push_back(nullptr);
      continue;
    }
    auto tensor = compute(*input, ops, kernels, depth + 1, known);
    if (!tensor) return std::nullopt;
    inputs.push_back(std::move(*tensor));
    given.push_back(&inputs.back());
  }
  auto results = ir::evaluate_node(*node, kernels, given);
  if (!results) return std::nullopt;
  for (size_t i = 0; i < results->size(); ++i) {
    if (node->outputs()[i] == &value && small((*results)[i])) out = (*results)[i];
  }
  return out;
}

}  // namespace

std::optional<Tensor> Machine::computed(const ir::Value& value) {
  if (kernels == nullptr || builder.failed()) return std::nullopt;
  return compute(value, builder.ops(), *kernels, 0, computed_);
}

}  // namespace tenon::torch
