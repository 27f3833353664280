#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {
namespace {

using ir::Node;
using ir::Value;

constexpr size_t kFirstCarried = 2;  // of the loop's inputs, and of its body's

// A list that a loop adds one tensor to in every turn.
struct Growing {
  size_t slot = 0;             // of the carried values
  std::vector<Value*> before;  // what it holds when the loop begins
  Value* added = nullptr;      // in the body
};

Value* itself(Value* value) {
  while (value->producer && value->producer->is("Identity")) value = value->producer->input(0);
  return value;
}

// Whether the size is the same in every turn and known outside of the loop.
bool is_fixed(const ir::Dim& dim, ir::Graph& root) {
  if (dim.is_constant()) return true;
  const ir::Symbol* symbol = root.find_symbol(dim.str());
  return symbol != nullptr && symbol->source == nullptr;
}

std::optional<std::vector<Value*>> elements(Value* list) {
  const Node* made = itself(list)->producer;
  if (made != nullptr && made->is("SequenceEmpty")) return std::vector<Value*>{};
  if (made == nullptr || !made->is("SequenceConstruct")) return std::nullopt;
  return std::vector<Value*>(made->inputs().begin(), made->inputs().end());
}

bool is_reader(const Node& node) {
  return node.is("ConcatFromSequence") || node.is("SequenceAt") || node.is("SequenceLength");
}
// Tensors one after the other along an axis that they have: the sizes after it are written out.
bool can_read(const Node& node, const ir::Shape& element) {
  if (!node.is("ConcatFromSequence") || node.attributes.get<int64_t>("new_axis", 0) != 0)
    return is_reader(node);
  const int64_t axis = node.attributes.get<int64_t>("axis", 0);
  const auto rank = static_cast<int64_t>(element.size());
  if (axis < -rank || axis >= rank) return false;
  return std::all_of(element.begin() + (axis < 0 ? axis + rank : axis), element.end(),
                     [](const ir::Dim& d) { return d.is_constant(); });
}

std::optional<Growing> growing(const Node& loop, size_t slot) {
  const ir::Graph& body = *loop.subgraph("body");
  Value* inside = body.inputs()[kFirstCarried + slot];
  const Value* result = itself(body.outputs()[slot + 1]);
  const Node* insert = result->producer;
  if (insert == nullptr || !insert->is("SequenceInsert") || insert->graph != &body ||
      insert->input(2) != nullptr || itself(insert->input(0)) != inside)
    return std::nullopt;
  // Nothing reads the list in the turns.
  const auto once = [](const Value* value) { return value->uses.size() == 1; };
  if (!once(inside) || !once(insert->input(0)) || !once(result) || !once(body.outputs()[slot + 1]))
    return std::nullopt;
  const auto before = elements(loop.input(kFirstCarried + slot));
  Value* added = insert->input(1);
  if (!before || !added->shape()) return std::nullopt;
  const ir::Shape& shape = *added->shape();
  ir::Graph& root = loop.graph->root();
  if (!std::ranges::all_of(shape, [&](const ir::Dim& d) { return is_fixed(d, root); }) ||
      !std::ranges::all_of(*before, [&](const Value* v) { return v->type == added->type; }))
    return std::nullopt;
  for (const ir::Use& use : loop.output(slot)->uses) {
    if (use.index != 0 || !can_read(*use.node, shape)) return std::nullopt;
  }
  return Growing{slot, *before, added};
}

// The loop without the list; what was added is collected as its last output.
Result<Node*> collect(Node& loop, const Growing& list, const ir::OpSet& ops) {
  ir::Graph& graph = *loop.graph;
  ir::Graph* body = loop.subgraph("body");
  std::vector<Value*> inputs(loop.inputs().begin(), loop.inputs().end());
  inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(kFirstCarried + list.slot));
  Node* made = graph.add_node(loop.domain, loop.op, loop.attributes, std::move(inputs),
                              loop.outputs().size(), loop.origin, &loop);
  made->name = loop.name;
  made->subgraphs = std::move(loop.subgraphs);
  loop.subgraphs.clear();
  for (size_t from = 0, to = 0; from < loop.outputs().size(); ++from) {
    if (from == list.slot) continue;
    stand_for(loop.output(from), made->output(to++));
  }
  // Outputs of graphs are computed in them.
  ir::Builder within(*body, ops);
  body->add_output(within.emit_named("Identity", {list.added}));
  TRY(within.status());
  body->remove_output(list.slot + 1);
  body->remove_dead();
  body->remove_input(kFirstCarried + list.slot);
  TRY(ir::infer(*made, ops));
  return made;
}

// --- reading what was collected: a tensor whose first axis counts the turns

Value* stacked(ir::Builder& b, Value* all, int64_t axis, bool new_axis) {
  const auto rank = static_cast<int64_t>(*all->rank());  // one more than the elements'
  if (axis < 0) axis += new_axis ? rank : rank - 1;
  std::vector<int64_t> perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin(), perm.begin() + 1, perm.begin() + axis + 1);
  Value* moved = axis == 0 ? all : b.emit_with("Transpose", {{"perm", perm}}, {all});
  if (new_axis) return moved;
  std::vector<int64_t> sizes(static_cast<size_t>(rank - 1), 0);
  sizes[static_cast<size_t>(axis)] = -1;
  for (int64_t i = axis + 1; i < rank - 1; ++i)
    sizes[static_cast<size_t>(i)] =
        (*all->shape())[static_cast<size_t>(i + 1)].constant().value_or(0);
  return b.emit_with("Reshape", {{"allowzero", int64_t{0}}}, {moved, b.ints(sizes)});
}

Value* read(ir::Builder& b, const Node& reader, Value* all) {
  if (reader.is("SequenceAt"))
    return b.emit_with("Gather", {{"axis", int64_t{0}}}, {all, reader.input(1)});
  if (reader.is("SequenceLength")) {
    Value* count = b.emit_with("Shape", {{"start", int64_t{0}}, {"end", int64_t{1}}}, {all});
    return b.emit_named("Squeeze", {count, b.ints({0})});
  }
  Value* out = stacked(b, all, reader.attributes.get<int64_t>("axis", 0),
                       reader.attributes.get<int64_t>("new_axis", 0) != 0);
  return out == all ? b.emit_named("Identity", {all}) : out;
}

Status replace_reader(Node& reader, Value* all, const ir::OpSet& ops) {
  ir::Builder b = before(reader, ops);
  Value *old = reader.output(), *now = read(b, reader, all);
  TRY(b.status());
  stand_for(old, now);
  reader.graph->erase(&reader);
  return {};
}

Status collect_list(Node& loop, const Growing& list, const ir::OpSet& ops) {
  std::vector<Node*> readers;
  for (const ir::Use& use : loop.output(list.slot)->uses) readers.push_back(use.node);
  const Node* made = TRY(collect(loop, list, ops));
  Value* all = made->output(made->outputs().size() - 1);
  if (!list.before.empty()) {
    ir::Builder b = before(loop, ops);
    std::vector<Value*> parts;
    for (Value* element : list.before)
      parts.push_back(b.emit_named("Unsqueeze", {element, b.ints({0})}));
    parts.push_back(all);
    all = b.emit_with("Concat", {{"axis", int64_t{0}}}, std::move(parts));
    TRY(b.status());
  }
  for (Node* reader : readers) TRY(replace_reader(*reader, all, ops));
  loop.graph->erase(&loop);
  return {};
}

// Whether a list was found and is gone: the loop is another node then.
Result<bool> collect_one(Node& loop, const ir::OpSet& ops) {
  const ir::Graph* body = loop.subgraph("body");
  if (body == nullptr || !always_goes_on(loop)) return false;
  for (size_t i = 0; i + kFirstCarried < body->inputs().size(); ++i) {
    if (body->inputs()[i + kFirstCarried]->type.kind != ir::Type::Kind::sequence) continue;
    const auto list = growing(loop, i);
    if (!list) continue;
    TRY(collect_list(loop, *list, ops));
    return true;
  }
  return false;
}

}  // namespace

Status collect_lists(ir::Graph& graph, const ir::OpSet& ops) {
  for (bool changed = true; changed;) {
    changed = false;
    for (Node* node : all_nodes(graph)) {
      if (!node->is("Loop") || !TRY(collect_one(*node, ops))) continue;
      changed = true;
      break;
    }
  }
  return {};
}

}  // namespace tenon::tensorrt
