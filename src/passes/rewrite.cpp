#include "passes/rewrite.h"

#include <algorithm>
#include <cmath>

#include "base/half.h"
#include "ir/integers.h"

namespace tenon::passes {

void for_each_graph(ir::Graph& graph, const std::function<void(ir::Graph&)>& f) {
  f(graph);
  for (const auto& node : graph.nodes()) {
    for (const ir::Subgraph& sub : node->subgraphs) for_each_graph(*sub.graph, f);
  }
}

std::vector<ir::Node*> snapshot(const ir::Graph& graph) {
  std::vector<ir::Node*> out;
  ir::for_each_node(graph, [&](ir::Node& node) { out.push_back(&node); });
  return out;
}

bool is_dead(const ir::Node& node) {
  return std::ranges::all_of(node.outputs(), [](const ir::Value* v) { return v->uses.empty(); });
}

ir::Node* made_by(const ir::Value* value, std::string_view op) {
  return value && value->producer && value->producer->is(op) ? value->producer : nullptr;
}

bool used_once(const ir::Value* value) { return value->uses.size() == 1; }

double element(const Tensor& tensor, size_t i) {
  switch (tensor.dtype()) {
    case DType::f32:
      return tensor.values<float>()[i];
    case DType::f64:
      return tensor.values<double>()[i];
    case DType::f16:
      return f16_to_float(tensor.values<uint16_t>()[i]);
    case DType::bf16:
      return bf16_to_float(tensor.values<uint16_t>()[i]);
    case DType::i64:
      return static_cast<double>(tensor.values<int64_t>()[i]);
    case DType::i32:
      return tensor.values<int32_t>()[i];
    case DType::boolean:
      return tensor.values<uint8_t>()[i];
    default:
      return NAN;
  }
}

std::optional<double> scalar(const ir::Value* value) {
  if (value == nullptr || !value->constant || !value->constant->has_data() ||
      value->constant->count() != 1)
    return std::nullopt;
  const double v = element(*value->constant, 0);
  return std::isnan(v) ? std::nullopt : std::optional(v);
}

bool is_filled(const ir::Value* value, double v) {
  if (value == nullptr || !value->constant || !value->constant->has_data()) return false;
  const auto count = static_cast<size_t>(value->constant->count());
  for (size_t i = 0; i < count; ++i) {
    if (element(*value->constant, i) != v) return false;
  }
  return count > 0;
}

bool close(double a, double b, double relative) {
  return std::fabs(a - b) <= relative * std::max(std::fabs(a), std::fabs(b));
}

double scale_tolerance(DType dtype) {
  return dtype == DType::bf16 ? 1.6e-2 : dtype == DType::f16 ? 2e-3 : 1e-6;
}

std::optional<std::vector<int64_t>> ints(const ir::Value* value) {
  if (value == nullptr) return std::nullopt;
  if (value->constant) return ir::integers(*value->constant);
  if (value->contents) return ir::constant_dims(*value->contents);
  return std::nullopt;
}

bool is_count(const ir::Value* value, const ir::Dim& size, size_t axis) {
  const ir::Node* unsqueeze = made_by(value, "Unsqueeze");
  const ir::Node* range = unsqueeze ? made_by(unsqueeze->input(0), "Range") : nullptr;
  if (!range || scalar(range->input(0)) != 0.0 || scalar(range->input(2)) != 1.0) return false;
  const ir::Value* limit = range->input(1);
  if (!limit->contents || limit->contents->size() != 1 || !(limit->contents->front() == size))
    return false;
  const auto axes = ints(unsqueeze->input(1));
  return axes && axes->size() == 1 && (*axes)[0] == static_cast<int64_t>(axis);
}

ir::Value* other_operand(const ir::Node& node, const ir::Value* one) {
  if (node.inputs().size() != 2) return nullptr;
  if (node.input(0) == one) return node.input(1);
  return node.input(1) == one ? node.input(0) : nullptr;
}

std::optional<ScalarOperand> scalar_operand(const ir::Node* node) {
  if (node == nullptr || node->inputs().size() != 2) return std::nullopt;
  for (size_t i : {size_t{0}, size_t{1}}) {
    const auto v = scalar(node->input(i));
    // A scalar with more dimensions than the other operand would change the result's rank.
    if (!v || node->input(1 - i)->is_constant()) continue;
    const auto rank = node->input(i)->rank(), other = node->input(1 - i)->rank();
    if (rank && other && *rank <= std::max<size_t>(*other, 0))
      return ScalarOperand{node->input(1 - i), *v};
  }
  return std::nullopt;
}

// The target of a Reshape as constants, with 0 for sizes that stay in place and -1 for one that is
// left over; nullopt where they do not say it.
std::optional<std::vector<int64_t>> reshape_target(const ir::Shape* in, const ir::Shape& out) {
  std::vector<int64_t> target;
  bool rest = false;
  for (size_t i = 0; i < out.size(); ++i) {
    const auto size = out[i].constant();
    if (size && *size == 0) return std::nullopt;
    if (size) {
      target.push_back(*size);
    } else if (in && i < in->size() && (*in)[i] == out[i]) {
      target.push_back(0);
    } else if (!rest && in) {
      target.push_back(-1);
      rest = true;
    } else {
      return std::nullopt;
    }
  }
  // -1 stands for what is left of the elements, which must then be as many as before.
  if (rest && !(ir::product(*in) == ir::product(out))) {
    const ir::Dim* left = nullptr;
    ir::Dim others(1);
    for (size_t i = 0; i < out.size(); ++i) {
      if (target[i] == -1)
        left = &out[i];
      else
        others = others * out[i];
    }
    if (!(floordiv(ir::product(*in), others) == *left)) return std::nullopt;
  }
  return target;
}

bool same_value(const ir::Value* a, const ir::Value* b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr || a->is_constant() != b->is_constant()) return false;
  if (a->is_constant()) return ir::equal(ir::Attribute(*a->constant), ir::Attribute(*b->constant));
  const ir::Node *x = a->producer, *y = b->producer;
  if (x == nullptr || y == nullptr || a->output_index != b->output_index || x->op != y->op ||
      x->domain != y->domain || !x->subgraphs.empty() || !y->subgraphs.empty() ||
      x->inputs().size() != y->inputs().size() || !(x->attributes == y->attributes))
    return false;
  for (size_t i = 0; i < x->inputs().size(); ++i) {
    if (!same_value(x->input(i), y->input(i))) return false;
  }
  return true;
}

bool replace(ir::Value* from, ir::Value* to) {
  if (from == to || from->type.kind != to->type.kind) return false;
  if (from->type.is_tensor() && from->dtype() != to->dtype()) return false;
  bool is_output = false;
  for (const ir::Use& use : from->uses) {
    if (use.node != use.node->graph->result()) continue;
    is_output = true;
    const ir::Graph* graph = use.node->graph;
    const bool taken = std::ranges::find(graph->outputs(), to) != graph->outputs().end();
    if (to->graph != graph || to->producer == nullptr || taken) return false;
  }
  if (is_output && !from->name.empty()) to->name = std::exchange(from->name, {});
  if (!to->contents && !to->is_constant()) to->contents = from->contents;
  from->graph->replace_uses(from, to);
  for (ir::Symbol& symbol : from->graph->root().symbols) {
    if (symbol.source == from) symbol.source = to;
  }
  return true;
}

bool replace_by_constant(ir::Value* from, Tensor tensor, const PassContext& context) {
  const ir::Node* identity = made_by(from, "Identity");
  if (identity && identity->input(0)->is_constant()) return false;
  ir::Value* constant = from->graph->root().add_constant(std::move(tensor));
  if (replace(from, constant)) return true;
  ir::Builder b = builder_before(*from->producer, context);
  ir::Value* made = b.emit_named("Identity", {constant});
  return b.status() && replace(from, made);
}

namespace {

void copy_nodes(ir::Graph& from, ir::Graph& to, ir::Node* before, ValueMap& map);

void copy_subgraph(ir::Graph& from, ir::Graph& to, ValueMap& map) {
  to.name = from.name;
  for (ir::Value* input : from.inputs()) {
    ir::Value* made = to.add_input(input->name, input->type);
    made->contents = input->contents;
    map[input] = made;
  }
  copy_nodes(from, to, nullptr, map);
  for (ir::Value* output : from.outputs())
    to.add_output(map.contains(output) ? map[output] : output);
}

void copy_nodes(ir::Graph& from, ir::Graph& to, ir::Node* before, ValueMap& map) {
  auto lookup = [&](ir::Value* value) {
    if (value == nullptr) return value;
    auto it = map.find(value);
    if (it != map.end()) return it->second;
    // Constants of the branch move out with it.
    if (value->is_constant() && value->graph == &from)
      return map[value] = to.root().add_constant(*value->constant, value->name);
    return value;
  };
  for (const auto& node : from.nodes()) {
    std::vector<ir::Value*> inputs;
    for (ir::Value* input : node->inputs()) inputs.push_back(lookup(input));
    ir::Node* made = to.add_node(node->domain, node->op, node->attributes, inputs,
                                 node->outputs().size(), node->origin, before);
    made->name = node->name;
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      ir::Value *old = node->output(i), *now = made->output(i);
      now->name = old->name;
      now->type = old->type;
      now->contents = old->contents;
      map[old] = now;
    }
    for (const ir::Subgraph& sub : node->subgraphs)
      copy_subgraph(*sub.graph, *to.add_subgraph(made, sub.name), map);
  }
  for (ir::Value* output : from.outputs()) lookup(output);
  for (ir::Symbol& symbol : to.root().symbols) {
    if (auto it = map.find(symbol.source); it != map.end()) symbol.source = it->second;
  }
}

}  // namespace

ValueMap copy_out(ir::Graph& branch, ir::Node& node) {
  ValueMap map;
  copy_nodes(branch, *node.graph, &node, map);
  return map;
}

ir::Builder builder_before(ir::Node& node, const PassContext& context) {
  ir::Builder builder(*node.graph, context.ops);
  builder.insert_before(&node);
  builder.set_origin(node.origin);
  return builder;
}

bool replace_node(ir::Node& node, ir::Builder& builder, std::span<ir::Value* const> values) {
  if (!builder.status()) return false;
  bool changed = false;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == nullptr || node.output(i)->uses.empty()) continue;
    if (!replace(node.output(i), values[i])) continue;
    changed = true;
    ir::Node* made = values[i]->producer;
    if (made && made->name.empty()) made->name = std::exchange(node.name, {});
  }
  return changed;
}

namespace {

void substitute(ir::Type& type, const std::map<std::string, ir::Dim, std::less<>>& values) {
  if (type.shape) {
    for (ir::Dim& dim : *type.shape) dim = dim.substitute(values);
  }
  if (type.element) {
    ir::Type element = *type.element;
    substitute(element, values);
    type.element = std::make_shared<const ir::Type>(std::move(element));
  }
}

void substitute(ir::Value& value, const std::map<std::string, ir::Dim, std::less<>>& values) {
  substitute(value.type, values);
  if (value.contents) {
    for (ir::Dim& dim : *value.contents) dim = dim.substitute(values);
  }
}

}  // namespace

void substitute(ir::Graph& graph, const std::map<std::string, ir::Dim, std::less<>>& values) {
  for_each_graph(graph, [&](ir::Graph& g) {
    for (ir::Value* input : g.inputs()) substitute(*input, values);
    for (const auto& node : g.nodes()) {
      for (ir::Value* output : node->outputs()) substitute(*output, values);
    }
  });
  for (ir::Guard& guard : graph.root().guards) {
    guard.lhs = guard.lhs.substitute(values);
    guard.rhs = guard.rhs.substitute(values);
  }
}

}  // namespace tenon::passes
