#include "ir/op.h"

#include <fmt/format.h>

#include "ir/integers.h"

namespace tenon::ir {

const Shape* InferContext::shape(size_t i) const {
  const Value* value = input(i);
  return value && value->type.is_tensor() && value->shape() ? &*value->shape() : nullptr;
}

std::optional<std::vector<Dim>> InferContext::contents(size_t i) const {
  const Value* value = input(i);
  if (value == nullptr) return std::nullopt;
  if (value->contents) return value->contents;
  if (auto ints = constant_ints(i)) return std::vector<Dim>(ints->begin(), ints->end());
  return std::nullopt;
}

std::optional<std::vector<int64_t>> InferContext::constant_ints(size_t i) const {
  const Value* value = input(i);
  if (value == nullptr) return std::nullopt;
  if (value->constant) return integers(*value->constant);
  if (value->contents) return constant_dims(*value->contents);
  return std::nullopt;
}

const Tensor* InferContext::constant(size_t i) const {
  const Value* value = input(i);
  return value && value->constant ? &*value->constant : nullptr;
}

void InferContext::set(size_t output, DType dtype, std::optional<Shape> shape) {
  set_type(output, Type::tensor(dtype, std::move(shape)));
}

void InferContext::set_type(size_t output, Type type) {
  if (output < node_.outputs().size()) node_.output(output)->type = std::move(type);
}

void InferContext::set_contents(size_t output, std::optional<std::vector<Dim>> contents) {
  if (output < node_.outputs().size()) node_.output(output)->contents = std::move(contents);
}

Dim InferContext::data_dim(size_t output, size_t axis, Interval range) {
  Value* value = node_.output(output);
  for (const Symbol& symbol : node_.graph->root().symbols) {
    if (symbol.source == value && symbol.axis == static_cast<int>(axis))
      return Dim::symbol(symbol.name);
  }
  Dim made = node_.graph->fresh_symbol("data", range);
  Symbol* symbol = node_.graph->find_symbol(made.symbol_name());
  symbol->source = value;
  symbol->axis = static_cast<int>(axis);
  return made;
}

std::unexpected<Error> InferContext::fail(std::string why, std::string hint) const {
  return tenon::fail(
      {.kind = ErrorKind::bad_file,
       .what = fmt::format("{} cannot take these inputs", node_.op),
       .where = node_.where(),
       .why = std::move(why),
       .hint = hint.empty() ? "check the model's input shapes and types" : std::move(hint)});
}

OpSet::OpSet(std::span<const OpSpec* const> specs) {
  for (const OpSpec* spec : specs) specs_[fmt::format("{}::{}", spec->domain, spec->name)] = spec;
}

const OpSpec* OpSet::find(std::string_view domain, std::string_view name) const {
  auto it = specs_.find(fmt::format("{}::{}", domain, name));
  return it == specs_.end() ? nullptr : it->second;
}

std::vector<const OpSpec*> OpSet::all() const {
  std::vector<const OpSpec*> out;
  for (const auto& [name, spec] : specs_) out.push_back(spec);
  return out;
}

Status infer(Node& node, const OpSet& ops) {
  const OpSpec* spec = ops.find(node.domain, node.op);
  InferContext context(node);
  if (spec == nullptr) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("unknown operator {}{}",
                                     node.domain.empty() ? "" : node.domain + "::", node.op),
                 .where = node.where(),
                 .why = "Tenon has no operator of this name",
                 .hint = "see `tenon inspect --target` for everything the model needs"});
  }
  auto fits = [](size_t n, int min, int max) {
    return static_cast<int>(n) >= min && (max < 0 || static_cast<int>(n) <= max);
  };
  if (!fits(node.inputs().size(), spec->min_inputs, spec->max_inputs)) {
    return context.fail(fmt::format("it has {} inputs, not {} to {}", node.inputs().size(),
                                    spec->min_inputs, spec->max_inputs));
  }
  for (int i = 0; i < spec->min_inputs; ++i) {
    if (node.input(i) == nullptr) return context.fail(fmt::format("its input {} is missing", i));
  }
  if (!fits(node.outputs().size(), spec->min_outputs, spec->max_outputs)) {
    return context.fail(fmt::format("it has {} outputs, not {} to {}", node.outputs().size(),
                                    spec->min_outputs, spec->max_outputs));
  }
  if (spec->check_attributes) {
    if (auto ok = spec->check_attributes(node.attributes); !ok)
      return fail(with_where(ok.error(), node.where()));
  }
  // What was known of the contents may have rested on narrower types than the inputs have now.
  for (Value* output : node.outputs()) output->contents.reset();
  TRY(spec->infer(context));
  for (const Symbol& symbol : node.graph->root().symbols) {
    if (symbol.axis >= 0 || symbol.source == nullptr || symbol.source->producer != &node) continue;
    if (!symbol.source->contents)
      symbol.source->contents = std::vector<Dim>{Dim::symbol(symbol.name)};
  }
  return {};
}

namespace {

std::vector<Type> subgraph_input_types(const Node& node) {
  std::vector<Type> out;
  for (const Subgraph& sub : node.subgraphs) {
    for (const Value* input : sub.graph->inputs()) out.push_back(input->type);
  }
  return out;
}

}  // namespace

void forget_contents(Graph& graph) {
  for_each_node(graph, [](Node& node) {
    for (Value* output : node.outputs()) output->contents.reset();
  });
}

Status infer(Graph& graph, const OpSet& ops) {
  for (const auto& node : graph.nodes()) {
    if (node->subgraphs.empty()) {
      TRY(infer(*node, ops));
      continue;
    }
    // Once to give the subgraphs' inputs their types, once to take the types of their outputs;
    // again while what a loop carries turns out more general than it began.
    TRY(infer(*node, ops));
    for (int round = 0; round < 16; ++round) {
      for (const Subgraph& sub : node->subgraphs) TRY(infer(*sub.graph, ops));
      const std::vector<Type> before = subgraph_input_types(*node);
      TRY(infer(*node, ops));
      if (before == subgraph_input_types(*node)) break;
      for (const Subgraph& sub : node->subgraphs) forget_contents(*sub.graph);
    }
  }
  return {};
}

Result<Shape> broadcast(const Shape& a, const Shape& b, const Ranges& ranges) {
  Shape out(std::max(a.size(), b.size()), Dim(1));
  for (size_t i = 0; i < out.size(); ++i) {
    const Dim x = i < a.size() ? a[a.size() - 1 - i] : Dim(1);
    const Dim y = i < b.size() ? b[b.size() - 1 - i] : Dim(1);
    Dim& to = out[out.size() - 1 - i];
    if (x == y || y.is(1))
      to = x;
    else if (x.is(1))
      to = y;
    else if (x.is_constant() && y.is_constant()) {
      return fail({.kind = ErrorKind::bad_file,
                   .what = "shapes do not broadcast",
                   .why = fmt::format("{} and {} differ at axis {} from the end", to_string(a),
                                      to_string(b), i)});
    } else if (x.is_constant())
      to = x;
    else if (y.is_constant())
      to = y;
    else if (less_equal(Dim(2), x, ranges) == Truth::yes)
      to = x;
    else if (less_equal(Dim(2), y, ranges) == Truth::yes)
      to = y;
    else
      to = max(x, y);
  }
  return out;
}

Result<size_t> normalize_axis(int64_t axis, size_t rank) {
  const auto r = static_cast<int64_t>(rank);
  if (axis < -r || axis >= r) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "an axis is out of range",
                 .why = fmt::format("axis {} of a tensor with {} dimensions", axis, rank)});
  }
  return static_cast<size_t>(axis < 0 ? axis + r : axis);
}

}  // namespace tenon::ir
