#include "passes/reduced_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "ir/verifier.h"
#include "passes/narrow_constant.h"
#include "passes/precision_plan.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

class Converter {
 public:
  Converter(ir::Graph& graph, const ReducedPrecisionOptions& options, const PassContext& context,
            PrecisionPlan plan)
      : graph_(graph), options_(options), context_(context), plan_(std::move(plan)) {
    for_each_graph(graph, [&](ir::Graph& g) { remember(g); });
  }

  Status run() {
    for (ir::Value* input : graph_.inputs()) {
      if (floats_.contains(input)) input->type.dtype = io_type(options_, *input);
    }
    TRY(convert(graph_));
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      ir::Value* output = graph_.outputs()[i];
      if (floats_.contains(output)) give(graph_, i, io_type(options_, *output));
    }
    return failed_.has_value() ? std::unexpected(std::move(*failed_)) : Status();
  }

  ReducedPrecision report() {
    ir::for_each_node(graph_, [&](const ir::Node& node) {
      if (auto kept = plan_.kept.find(&node); kept != plan_.kept.end())
        out_.kept.push_back({.op = node.domain.empty() ? node.op : node.domain + "::" + node.op,
                             .name = node.name,
                             .where = node.where(),
                             .reason = kept->second});
      for (const ir::Value* output : node.outputs()) {
        if (output->type.is_tensor() && !output->uses.empty()) ++out_.values[output->dtype()];
      }
    });
    return std::move(out_);
  }

  size_t& casts() { return out_.casts; }

 private:
  // What was f32, and before which node of the model each of its nodes stands.
  void remember(const ir::Graph& graph) {
    for (ir::Value* input : graph.inputs()) {
      if (holds_f32(input->type)) floats_.insert(input);
    }
    ir::Node* last = nullptr;
    for (const auto& node : graph.nodes()) {
      if (last == nullptr)
        first_[&graph] = node.get();
      else
        next_[last] = node.get();
      last = node.get();
      for (ir::Value* output : node->outputs()) {
        if (holds_f32(output->type)) floats_.insert(output);
      }
    }
  }

  Status convert(ir::Graph& graph) {
    std::vector<ir::Node*> nodes;
    for (const auto& node : graph.nodes()) nodes.push_back(node.get());
    for (ir::Node* node : nodes) TRY(convert(*node));
    return {};
  }

  Status convert(ir::Node& node) {
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      ir::Value* value = node.input(i);
      if (!value || !value->type.is_tensor() || !was_f32(*value)) continue;
      if (const auto type = plan_.wanted(node, i, options_.type)) {
        ir::Value* as_wanted = as(value, *type, node);
        if (as_wanted != value) node.graph->set_input(&node, i, as_wanted);
      }
    }
    if (!plan_.keeps(&node)) convert_attributes(node);
    TRY(convert_subgraphs(node));
    return ir::infer(node, context_.ops);
  }

  bool was_f32(const ir::Value& value) const {
    return floats_.contains(&value) || (value.is_constant() && value.dtype() == DType::f32);
  }

  Status convert_subgraphs(ir::Node& node) {
    const DType type = plan_.keeps(&node) ? DType::f32 : options_.type;
    for (const ir::Subgraph& sub : node.subgraphs) {
      // What a loop carries has the type with which it begins.
      const auto inputs = sub.graph->inputs();
      for (size_t i = 0; i < inputs.size() && i < node.inputs().size(); ++i) {
        if (!floats_.contains(inputs[i])) continue;
        if (inputs[i]->type.is_tensor())
          inputs[i]->type.dtype = node.input(i)->dtype();
        else
          inputs[i]->type = node.input(i)->type;
      }
      TRY(convert(*sub.graph));
      for (size_t i = 0; i < sub.graph->outputs().size(); ++i) {
        const ir::Value* output = sub.graph->outputs()[i];
        if (output->type.is_tensor() && floats_.contains(output)) give(*sub.graph, i, type);
      }
    }
    return {};
  }

  // The value in the type: the same, a constant converted once, or a cast where the value is made.
  ir::Value* as(ir::Value* value, DType type, const ir::Node& user) {
    if (value->dtype() == type) return value;
    if (auto made = made_.find({value, type}); made != made_.end()) return made->second;
    ir::Value* out = value->is_constant() ? constant(*value, type, user) : cast(value, type, user);
    made_[{value, type}] = out;
    return out;
  }

  ir::Value* cast(ir::Value* value, DType type, const ir::Node& user) {
    ir::Node* producer = value->producer;
    ir::Value* from = value;
    // A cast to f32 casts from its own input instead.
    if (producer && producer->is("Cast") && !was_f32(*producer->input(0)))
      from = producer->input(0);
    if (from->dtype() == type) return from;
    ir::Builder b(*value->graph, context_.ops);
    b.set_origin(producer ? producer->origin : user.origin);
    b.insert_before(producer ? following(*producer) : beginning(*value->graph));
    ir::Value* out = b.cast(from, type);
    if (auto ok = b.status(); !ok && !failed_) failed_ = std::move(ok).error();
    return out;
  }

  ir::Node* following(const ir::Node& node) const {
    const auto found = next_.find(&node);
    return found == next_.end() ? nullptr : found->second;
  }
  ir::Node* beginning(const ir::Graph& graph) const {
    const auto found = first_.find(&graph);
    return found == first_.end() ? nullptr : found->second;
  }

  ir::Value* constant(const ir::Value& value, DType type, const ir::Node& user) {
    note_clamp(*value.constant, value.name, user);
    return graph_.add_constant(narrowed(*value.constant, type), value.name);
  }

  void note_clamp(const Tensor& tensor, const std::string& name, const ir::Node& user) {
    const Narrowing found = narrowing(tensor, options_.type);
    if (found.beyond == 0) return;
    out_.clamped.push_back({.name = name,
                            .op = user.op,
                            .node = user.name,
                            .where = user.where(),
                            .value = found.beyond,
                            .becomes = std::copysign(largest(options_.type), found.beyond)});
  }

  // Output i of a graph becomes the value in the type, under the same name.
  void give(ir::Graph& graph, size_t i, DType type) {
    ir::Value* value = graph.outputs()[i];
    ir::Value* out = as(value, type, *graph.result());
    if (out == value) return;
    const bool taken = std::ranges::find(graph.outputs(), out) != graph.outputs().end();
    if (out->graph != &graph || out->producer == nullptr || taken) {
      ir::Builder b(graph, context_.ops);
      out = b.emit_named("Identity", {out});
      if (auto ok = b.status(); !ok && !failed_) failed_ = std::move(ok).error();
    }
    out->name = std::exchange(value->name, {});
    graph.set_output(i, out);
  }

  // The types that a node gives, and those in which it computes sums on the way.
  void convert_attributes(ir::Node& node) {
    if (!node.domain.empty()) return;
    ir::Attributes& attributes = node.attributes;
    const auto type = static_cast<int64_t>(options_.type), f32 = static_cast<int64_t>(DType::f32);
    if (node.op == "SequenceEmpty" && !attributes.find("dtype")) attributes.set("dtype", f32);
    for (const char* name : {"dtype", "output_dtype"}) {
      if (attributes.get<int64_t>(name, 0) == f32) attributes.set(name, type);
    }
    if (attributes.find("stash_type")) attributes.set("stash_type", f32);
    if (node.op == "Attention") attributes.set("softmax_precision", f32);
    if (node.op == "ConstantOfShape" && was_f32(*node.output(0))) {
      const Tensor value = attributes.get<Tensor>("value", Tensor::zeros(DType::f32, {1}));
      note_clamp(value, {}, node);
      attributes.set("value", narrowed(value, options_.type));
    }
  }

  ir::Graph& graph_;
  const ReducedPrecisionOptions& options_;
  const PassContext& context_;
  PrecisionPlan plan_;
  std::unordered_set<const ir::Value*> floats_;
  std::unordered_map<const ir::Node*, ir::Node*> next_;
  std::unordered_map<const ir::Graph*, ir::Node*> first_;
  std::map<std::pair<ir::Value*, DType>, ir::Value*> made_;
  ReducedPrecision out_;
  std::optional<Error> failed_;
};

size_t count_casts(const ir::Graph& graph) {
  size_t count = 0;
  ir::for_each_node(graph, [&](const ir::Node& node) { count += node.is("Cast"); });
  return count;
}

// A sequence cannot be cast at the model's boundary.
Status check_interface(const ir::Graph& graph, DType type) {
  const auto check = [&](const ir::Value* value, std::string_view what) -> Status {
    if (!value || value->type.is_tensor() || !holds_f32(value->type)) return {};
    return fail(
        {.kind = ErrorKind::unsupported,
         .what = fmt::format("the model cannot be written in {}", name(type)),
         .why = fmt::format("its {} '{}' is a sequence of f32 tensors, and ONNX has no cast "
                            "for sequences",
                            what, value->name),
         .hint = "let the model take and give tensors instead of lists"});
  };
  for (const ir::Value* input : graph.inputs()) TRY(check(input, "input"));
  for (const ir::Value* output : graph.outputs()) TRY(check(output, "output"));
  return {};
}

}  // namespace

Result<ReducedPrecision> reduce_precision(ir::Graph& graph, const ReducedPrecisionOptions& options,
                                          const PassContext& context) {
  ir::assign_names(graph);
  TRY(check_interface(graph, options.type));
  while (TRY(fold_batch_norm(graph, context))) TRY(ir::infer(graph, context.ops));
  graph.remove_dead();
  const size_t casts = count_casts(graph);
  Converter converter(graph, options, context, plan_precision(graph, options));
  TRY(converter.run());
  // Casts of the model's own that change nothing any more.
  TRY(remove_no_ops(graph, context));
  graph.remove_dead();
  TRY(ir::infer(graph, context.ops));
  TRY(ir::verify(graph, context.ops, "reduced precision"));
  ReducedPrecision out = converter.report();
  const size_t now = count_casts(graph);
  out.casts = now > casts ? now - casts : 0;
  return out;
}

}  // namespace tenon::passes
