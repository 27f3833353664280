// Runs graphs on reference kernels.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "ir/ref_kernel.h"

namespace tenon::ir {
namespace {

// A loop that runs longer than this is taken for one that never ends.
constexpr int64_t kMaxIterations = 10'000'000;

using Values = std::unordered_map<const Value*, RefValue>;
using LastUses = std::unordered_map<const Node*, std::vector<const Value*>>;

// The node of `graph` itself in which a use lies: the node, or the one whose subgraph holds it.
const Node* holder(const Node* node, const Graph* graph,
                   const std::unordered_map<const Graph*, const Node*>& owners) {
  while (node->graph != graph) {
    auto it = owners.find(node->graph);
    if (it == owners.end()) return nullptr;
    node = it->second;
  }
  return node;
}

class Evaluator {
 public:
  Evaluator(const RefKernels& kernels, RefObserver each, void* state)
      : kernels_(kernels), each_(each), state_(state) {}

  void prepare(const Graph& graph) {
    for (const auto& node : graph.nodes()) {
      for (const Subgraph& sub : node->subgraphs) {
        owners_[sub.graph.get()] = node.get();
        prepare(*sub.graph);
      }
    }
    std::unordered_map<const Node*, size_t> order;
    for (const auto& node : graph.nodes()) order.emplace(node.get(), order.size());
    auto watch = [&](const Value* value, const Node* fallback) {
      const Node* last = fallback;
      for (const Use& use : value->uses) {
        const Node* user = holder(use.node, &graph, owners_);
        if (user == nullptr || user == graph.result()) return;  // lives to the end
        if (last == nullptr || order[user] > order[last]) last = user;
      }
      if (last != nullptr) last_uses_[last].push_back(value);
    };
    for (const Value* input : graph.inputs()) watch(input, nullptr);
    for (const auto& node : graph.nodes()) {
      for (const Value* output : node->outputs()) watch(output, node.get());
    }
  }

  Result<std::vector<RefValue>> run(const Graph& graph, std::span<const RefValue> inputs) {
    if (inputs.size() != graph.inputs().size()) {
      return fail({.kind = ErrorKind::usage,
                   .what = "the graph cannot be evaluated",
                   .why = fmt::format("{} inputs are given, it has {}", inputs.size(),
                                      graph.inputs().size())});
    }
    for (size_t i = 0; i < inputs.size(); ++i) values_[graph.inputs()[i]] = inputs[i];
    for (const auto& node : graph.nodes()) {
      TRY(run(*node));
      if (auto it = last_uses_.find(node.get()); it != last_uses_.end()) {
        for (const Value* value : it->second) values_.erase(value);
      }
    }
    std::vector<RefValue> out;
    for (const Value* output : graph.outputs()) out.push_back(*TRY(get(output)));
    return out;
  }

 private:
  Result<const RefValue*> get(const Value* value) {
    if (auto it = values_.find(value); it != values_.end()) return &it->second;
    if (value->is_constant()) return &(values_[value] = RefValue{.tensor = *value->constant});
    return fail({.kind = ErrorKind::internal,
                 .what = "the graph cannot be evaluated",
                 .why = fmt::format("value {} is used before it is computed", value->id)});
  }

  Status run(const Node& node) {
    if (node.is("If")) return run_if(node);
    if (node.is("Loop")) return run_loop(node);
    std::vector<const RefValue*> values;
    std::vector<const Tensor*> tensors;
    for (const Value* input : node.inputs()) {
      const RefValue* value = input ? TRY(get(input)) : nullptr;
      values.push_back(value);
      tensors.push_back(value ? &value->tensor : nullptr);
    }
    const RefKernel* kernel = kernels_.find(node.domain, node.op);
    if (kernel == nullptr) {
      return fail({.kind = ErrorKind::unsupported,
                   .what = fmt::format("{} has no reference kernel", node.op),
                   .where = node.where(),
                   .why = "the operator can be converted, but not computed",
                   .hint = "run the model in another engine"});
    }
    RefContext context{.node = node, .inputs = tensors, .values = values};
    context.outputs.resize(node.outputs().size());
    TRY(kernel->run(context));
    if (each_ != nullptr) each_(state_, node, context.outputs);
    for (size_t i = 0; i < context.outputs.size(); ++i)
      values_[node.output(i)] = {.tensor = std::move(context.outputs[i])};
    if (context.sequence) values_[node.output(0)].sequence = std::move(context.sequence);
    return {};
  }

  void give(const Node& node, std::vector<RefValue> results) {
    if (each_ != nullptr) {
      std::vector<Tensor> tensors;
      for (const RefValue& result : results) tensors.push_back(result.tensor);
      each_(state_, node, tensors);
    }
    for (size_t i = 0; i < results.size(); ++i) values_[node.output(i)] = std::move(results[i]);
  }

  std::unexpected<Error> bad(const Node& node, std::string why) const {
    return RefContext{.node = node, .inputs = {}, .outputs = {}}.fail(std::move(why));
  }

  Result<bool> condition(const Node& node, const Tensor& tensor) const {
    if (tensor.dtype() != DType::boolean || tensor.count() != 1)
      return bad(node, "a condition is not one boolean");
    return tensor.bytes()[0] != std::byte{0};
  }

  Status run_if(const Node& node) {
    const RefValue* value = TRY(get(node.input(0)));
    const bool yes = TRY(condition(node, value->tensor));
    const Graph* branch = node.subgraph(yes ? "then_branch" : "else_branch");
    if (branch == nullptr) return bad(node, "a branch is missing");
    auto results = TRY(run(*branch, {}));
    if (results.size() != node.outputs().size()) return bad(node, "a branch gives other values");
    give(node, std::move(results));
    return {};
  }

  Status run_loop(const Node& node) {
    const Graph* body = node.subgraph("body");
    if (body == nullptr) return bad(node, "the body is missing");
    int64_t most = kMaxIterations + 1;
    if (node.input(0)) {
      const RefValue* given = TRY(get(node.input(0)));
      if (given->tensor.dtype() != DType::i64 || given->tensor.count() != 1)
        return bad(node, "the trip count is not one i64");
      most = given->tensor.values<int64_t>()[0];
    }
    bool go_on = true;
    if (node.input(1)) {
      const RefValue* given = TRY(get(node.input(1)));
      go_on = TRY(condition(node, given->tensor));
    }
    std::vector<RefValue> carried;
    for (size_t i = 2; i < node.inputs().size(); ++i) carried.push_back(*TRY(get(node.input(i))));
    const size_t scans = body->outputs().size() - 1 - carried.size();
    std::vector<std::vector<Tensor>> scanned(scans);
    for (int64_t i = 0; go_on && i < most; ++i) {
      if (i >= kMaxIterations) return bad(node, "the loop does not end");
      std::vector<RefValue> inputs;
      inputs.push_back({.tensor = Tensor::scalar_i64(i)});
      Tensor yes = Tensor::zeros(DType::boolean, {});
      yes.mutable_bytes()[0] = std::byte{1};
      inputs.push_back({.tensor = std::move(yes)});
      std::move(carried.begin(), carried.end(), std::back_inserter(inputs));
      auto results = TRY(run(*body, inputs));
      go_on = TRY(condition(node, results[0].tensor));
      for (size_t c = 0; c < carried.size(); ++c) carried[c] = std::move(results[c + 1]);
      for (size_t s = 0; s < scans; ++s)
        scanned[s].push_back(std::move(results[1 + carried.size() + s].tensor));
    }
    for (size_t s = 0; s < scans; ++s)
      carried.push_back({.tensor = TRY(stack(node, scanned[s], carried.size()))});
    give(node, std::move(carried));
    return {};
  }

  // The tensors of all iterations along a new first axis.
  Result<Tensor> stack(const Node& node, const std::vector<Tensor>& parts, size_t output) const {
    if (parts.empty()) {
      // Nothing ran: the sizes are those that the type says, 0 where it leaves them open.
      const Type& type = node.output(output)->type;
      Dims dims{0};
      if (type.shape) {
        for (size_t i = 1; i < type.shape->size(); ++i)
          dims.push_back((*type.shape)[i].constant().value_or(0));
      }
      return Tensor::zeros(type.dtype, dims);
    }
    Dims dims = parts[0].shape();
    for (const Tensor& part : parts) {
      if (part.shape() != dims || part.dtype() != parts[0].dtype())
        return bad(node, "a scanned value changes its shape from one iteration to the next");
    }
    dims.insert(dims.begin(), static_cast<int64_t>(parts.size()));
    Tensor out = Tensor::zeros(parts[0].dtype(), dims);
    size_t offset = 0;
    for (const Tensor& part : parts) {
      std::ranges::copy(part.bytes(), out.mutable_bytes().begin() + static_cast<ptrdiff_t>(offset));
      offset += part.nbytes();
    }
    return out;
  }

  const RefKernels& kernels_;
  RefObserver each_;
  void* state_;
  Values values_;
  LastUses last_uses_;
  std::unordered_map<const Graph*, const Node*> owners_;
};

}  // namespace

Result<std::vector<RefValue>> evaluate_values(const Graph& graph, const RefKernels& kernels,
                                              std::span<const RefValue> inputs, RefObserver each,
                                              void* state) {
  Evaluator evaluator(kernels, each, state);
  evaluator.prepare(graph);
  return evaluator.run(graph, inputs);
}

Result<std::vector<Tensor>> evaluate(const Graph& graph, const RefKernels& kernels,
                                     std::span<const Tensor> inputs, RefObserver each,
                                     void* state) {
  std::vector<RefValue> values;
  for (const Tensor& input : inputs) values.push_back({.tensor = input});
  std::vector<Tensor> out;
  for (RefValue& value : TRY(evaluate_values(graph, kernels, values, each, state))) {
    if (value.sequence) {
      return fail({.kind = ErrorKind::unsupported,
                   .what = "the graph cannot be evaluated",
                   .why = "an output is a sequence of tensors",
                   .hint = "let the model return a tensor, or its tensors one by one"});
    }
    out.push_back(std::move(value.tensor));
  }
  return out;
}

Result<std::vector<Tensor>> evaluate_node(const Node& node, const RefKernels& kernels,
                                          std::span<const Tensor* const> inputs) {
  const RefKernel* kernel = kernels.find(node.domain, node.op);
  RefContext context{.node = node, .inputs = inputs};
  context.outputs.resize(node.outputs().size());
  if (kernel == nullptr || !node.subgraphs.empty())
    return context.fail("the operator has no reference kernel");
  TRY(kernel->run(context));
  if (context.sequence) return context.fail("the result is a sequence");
  return std::move(context.outputs);
}

}  // namespace tenon::ir
