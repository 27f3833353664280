#include "onnx/mapping.h"

#include <fmt/format.h>

#include "base/error.h"
#include "ir/integers.h"

namespace tenon::onnx {

Result<Values> ImportContext::emit(std::string name, ir::Attributes complete) {
  while (!inputs.empty() && inputs.back() == nullptr) inputs.pop_back();
  ir::Node* node =
      b.emit_node(std::string(domain), std::move(name), std::move(complete), inputs, outputs);
  TRY(b.status());
  return Values(node->outputs().begin(), node->outputs().end());
}

std::unexpected<Error> ImportContext::fail(std::string why, std::string hint) const {
  return tenon::fail({.kind = ErrorKind::unsupported,
                      .what = fmt::format("{} of opset {} cannot be read", op, opset),
                      .why = std::move(why),
                      .hint = std::move(hint)});
}

bool ExportContext::native() const {
  const Schema* schema = find_schema(node->op, opset);
  if (schema == nullptr) return false;
  for (size_t i = 0; i < node->inputs().size(); ++i) {
    if (node->input(i) && !accepts(schema->input(i), node->input(i)->type)) return false;
  }
  return true;
}

Status ExportContext::replace(const Values& values) {
  TRY(b.status());
  replaced = true;
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    ir::Value* old = node->output(i);
    if (old->uses.empty()) continue;
    ir::Value* made = i < values.size() ? values[i] : nullptr;
    if (made == nullptr) return fail(fmt::format("its output {} is in use", i));
    // A value with a name of its own (an input, say) passes through Identity to get the other name.
    if (made->producer == nullptr || !made->name.empty()) made = b.emit_named("Identity", {made});
    made->name = std::move(old->name);
    made->type = old->type;
    old->name.clear();
    graph.replace_uses(old, made);
    for (ir::Symbol& symbol : graph.root().symbols) {
      if (symbol.source == old) symbol.source = made;
    }
  }
  return b.status();
}

Status ExportContext::input_to_attribute(size_t index, std::string attribute) {
  if (has(index)) {
    auto ints = constant_ints(index);
    if (!ints) {
      return fail(fmt::format("its {} are computed when the model runs, here they must be constant",
                              attribute),
                  first_opset_where(node->op, opset, [&](const Schema& s) {
                    return s.attribute(attribute) == nullptr;
                  }));
    }
    set_attribute(std::move(attribute), std::move(*ints));
  }
  graph.truncate_inputs(node, std::min(index, node->inputs().size()));
  return {};
}

void ExportContext::set_inputs(const Values& inputs) {
  graph.truncate_inputs(node, 0);
  for (ir::Value* value : inputs) graph.add_node_input(node, value);
}

std::optional<std::vector<int64_t>> ExportContext::constant_ints(size_t i) const {
  return onnx::constant_ints(input(i));
}

std::unexpected<Error> ExportContext::fail(std::string why, int appears) const {
  return tenon::fail({.kind = ErrorKind::unsupported,
                      .what = fmt::format("{} cannot be written at opset {}", node->op, opset),
                      .where = node->where(),
                      .why = std::move(why),
                      .hint = appears > opset ? fmt::format("use --opset {} or newer", appears)
                                              : "change the model so that it does without"});
}

Mappings::Mappings(std::span<const Mapping* const> all) {
  for (const Mapping* m : all) all_[fmt::format("{}::{}", m->domain, m->op)] = m;
}

const Mapping* Mappings::find(std::string_view domain, std::string_view op) const {
  auto it = all_.find(fmt::format("{}::{}", domain, op));
  return it == all_.end() ? nullptr : it->second;
}

std::optional<std::vector<int64_t>> constant_ints(const ir::Value* value) {
  if (value == nullptr) return std::nullopt;
  if (value->constant) return ir::integers(*value->constant);
  if (value->contents) return ir::constant_dims(*value->contents);
  return std::nullopt;
}

void attribute_to_input(ImportContext& c, std::string_view attribute, size_t index) {
  auto ints = c.take<std::vector<int64_t>>(attribute);
  if (!ints) return;
  if (c.inputs.size() <= index) c.resize(index + 1);
  c.inputs[index] = c.b.ints(*ints);
}

Status compute_in(ExportContext& c, DType from, DType to) {
  Values inputs;
  for (ir::Value* value : c.node->inputs()) {
    const bool widen = value && value->type.is_tensor() && value->dtype() == from;
    inputs.push_back(widen ? c.b.cast(value, to) : value);
  }
  ir::Attributes attributes = c.node->attributes;
  ir::Node* wide = c.b.emit_node("", c.node->op, std::move(attributes), std::move(inputs),
                                 c.node->outputs().size());
  Values outputs;
  for (size_t i = 0; i < wide->outputs().size(); ++i) {
    ir::Value* value = wide->output(i);
    const DType wanted = c.node->output(i)->dtype();
    outputs.push_back(value->dtype() == wanted ? value : c.b.cast(value, wanted));
  }
  return c.replace(outputs);
}

}  // namespace tenon::onnx
