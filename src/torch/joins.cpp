// Merging what the two sides of a branch leave behind: everything that differs becomes an output of
// the If.
#include <fmt/format.h>

#include <algorithm>

#include "torch/control.h"
#include "torch/views.h"
namespace tenon::torch {

bool declared_before(const ir::Graph& root, const Dim& dim, size_t limit) {
  std::map<std::string, int> counts;
  dim.collect_symbols(counts);
  for (const auto& [name, count] : counts) {
    const bool found = std::any_of(
        root.symbols.begin(),
        root.symbols.begin() + static_cast<ptrdiff_t>(std::min(limit, root.symbols.size())),
        [&](const ir::Symbol& s) { return s.name == name; });
    if (!found) return false;
  }
  return true;
}

ir::Value* local_value(Machine& m, ir::Value* value, const ir::Graph& graph) {
  return value->graph == &graph && value->producer ? value
                                                   : m.builder.emit_named("Identity", {value});
}

Value number_from(Machine& m, ir::Value* output, const Value& kind, ir::Interval range) {
  if (kind.is<Bool>()) return Bool{Bool::Kind::computed, {}, {}, {}, output};
  if (kind.is<Float>()) return Float{0, {}, 1, 0, output};
  const Dim symbol = m.builder.graph().fresh_symbol("merged", range);
  m.builder.graph().find_symbol(symbol.symbol_name())->source = output;
  output->contents = std::vector<Dim>{symbol};
  return symbol;
}

DType number_dtype(const Value& v) {
  return v.is<Bool>() ? DType::boolean : v.is<Float>() ? DType::f64 : DType::i64;
}

ir::Type sequence_type(Machine& m, const ir::Type& a, const ir::Type& b, ir::Value& of) {
  if (!a.element || !b.element) return a.element ? a : b;
  const ir::Type &x = *a.element, &y = *b.element;
  if (!x.shape) return b;
  if (!y.shape) return a;
  of.type = a;  // sizes are bound to a sequence, not to a tensor
  Shape shape = *x.shape;
  for (size_t i = 0; i < shape.size() && i < y.shape->size(); ++i) {
    if (shape[i] == (*y.shape)[i] && shape[i].is_constant() && !shape[i].is(-1)) continue;
    shape[i] = m.builder.graph().fresh_symbol("element", {0, ir::Interval::kMax});
    ir::Symbol* symbol = m.builder.graph().find_symbol(shape[i].symbol_name());
    symbol->source = &of;
    symbol->axis = static_cast<int>(i);
  }
  return ir::Type::sequence(ir::Type::tensor(x.dtype, std::move(shape)));
}

bool is_number(const Value& v) { return v.is<Dim>() || v.is<Float>() || v.is<Bool>(); }

void add_writers(State& state, uint32_t id, const Writers& more) {
  for (const auto& [group, when] : more) {
    const auto& known = state.storages[id].writers;
    if (auto it = known.find(group); it != known.end() && it->second >= when) continue;
    state.storages.edit(id).writers[group] = when;
  }
}

namespace {

ir::Interval range_of(const Machine& m, const Value& v) {
  const Dim* d = v.get<Dim>();
  return d ? d->bounds(m.ranges()) : ir::Interval{};
}

}  // namespace

// Makes a value in a side's subgraph, from the side's state, and hands it out; gives its type.
template <class F>
Result<ir::Type> Interpreter::hand_out(Branch& side, F&& make) {
  ir::Graph* outer = m_.builder.enter(*side.graph);
  std::swap(m_.state, side.state);
  const Result<ir::Value*> value = make();
  if (value) side.graph->add_output(local_value(m_, *value, *side.graph));
  m_.builder.enter(*outer);
  std::swap(m_.state, side.state);
  if (!value) return std::unexpected(value.error());
  return (*value)->type;
}

Status Interpreter::join_state(Branch& x, Branch& y, ir::Node* node, const State& before,
                               State& merged) {
  for (uint32_t i = 0; i < before.storages.size(); ++i) {
    const uint64_t was = before.storages[i].version;
    for (const Branch* side : {&x, &y}) add_writers(merged, i, side->state.storages[i].writers);
    if (x.state.storages[i].version == was && y.state.storages[i].version == was) continue;
    AbstractTensor whole;
    whole.storage = i;
    whole.dtype = before.storages[i].dtype;
    whole.sizes = before.storages[i].shape;
    whole.doubt.group = AliasDoubt::kWhole;
    const auto ref = std::make_shared<const AbstractTensor>(whole);
    const Value joined = TRY(join_tensors(ref, ref, x, y, node, merged));
    const TensorRef* t = joined.get<TensorRef>();
    if (t == nullptr)
      return m_.fail(ErrorKind::unsupported, "a tensor that a branch writes cannot be merged",
                     m_.to_text(joined));
    Storage& storage = merged.storages.edit(i);
    storage.value = merged.storages[(*t)->storage].value;
    storage.known.reset();
    storage.uninitialised = false;
    storage.cache.clear();
    storage.version = std::max(x.state.storages[i].version, y.state.storages[i].version) + 1;
  }
  for (uint32_t i = 0; i < before.lists.size(); ++i) {
    if (x.state.lists.same(i, y.state.lists)) continue;
    const auto &a = x.state.lists[i].items, &b = y.state.lists[i].items;
    if (x.state.lists[i].sequence || y.state.lists[i].sequence || a.size() != b.size()) {
      const ListData joined = TRY(join_sequences(x.state.lists[i], y.state.lists[i], x, y, node));
      merged.lists.edit(i) = joined;
      continue;
    }
    std::vector<Value> items;
    for (size_t k = 0; k < a.size(); ++k)
      items.push_back(TRY(join(a[k], b[k], x, y, node, merged)));
    merged.lists.edit(i).items = std::move(items);
  }
  for (uint32_t i = 0; i < before.dicts.size(); ++i) {
    if (x.state.dicts.same(i, y.state.dicts)) continue;
    const auto &a = x.state.dicts[i].items, &b = y.state.dicts[i].items;
    std::vector<std::pair<Value, Value>> items;
    for (size_t k = 0; k < a.size(); ++k) {
      if (a.size() != b.size() || !same(a[k].first, b[k].first)) {
        return m_.fail(ErrorKind::unsupported, "a dict gets other keys on each side of a branch",
                       "ONNX has no dict", "set the same keys on both sides");
      }
      items.emplace_back(a[k].first, TRY(join(a[k].second, b[k].second, x, y, node, merged)));
    }
    merged.dicts.edit(i).items = std::move(items);
  }
  for (uint32_t i = 0; i < before.objects.size(); ++i) {
    if (x.state.objects.same(i, y.state.objects)) continue;
    const auto attributes = x.state.objects[i].attributes;
    for (const auto& [name, a] : attributes) {
      const auto& other = y.state.objects[i].attributes;
      auto b = other.find(name);
      if (b == other.end()) continue;
      Value joined = TRY(join(a, b->second, x, y, node, merged));
      merged.objects.edit(i).attributes[name] = std::move(joined);
    }
  }
  return {};
}

Result<Value> Interpreter::join_tensors(const TensorRef& a, const TensorRef& b, Branch& x,
                                        Branch& y, ir::Node* node, State& merged) {
  if (is_complex(a->dtype) && is_complex(b->dtype)) {
    const Value joined = TRY(join_tensors(real_view(a), real_view(b), x, y, node, merged));
    const TensorRef* parts = joined.get<TensorRef>();
    return parts ? Value(complex_view(*parts)) : joined;
  }
  if (!same_quantiser(*a, *b))
    return Poison{fmt::format(
        "the two sides of the branch at {} give tensors that are not quantised alike", x.line)};
  if (a->quantiser) {
    const Value joined = TRY(
        join_tensors(with_quantiser(a, nullptr), with_quantiser(b, nullptr), x, y, node, merged));
    const TensorRef* integers = joined.get<TensorRef>();
    return integers ? Value(with_quantiser(*integers, a->quantiser)) : joined;
  }
  if (a->dtype != b->dtype)
    return Poison{
        fmt::format("the two sides of the branch at {} give tensors of other types", x.line)};
  if (a->sizes.size() != b->sizes.size())
    return Poison{
        fmt::format("the two sides of the branch at {} give tensors of {} and {} dimensions",
                    x.line, a->sizes.size(), b->sizes.size())};
  ir::Graph& outer = m_.builder.graph();
  TRY(hand_out(x, [&] { return m_.read(*a); }));
  TRY(hand_out(y, [&] { return m_.read(*b); }));
  outer.add_node_output(node);
  ir::Value* output = node->outputs().back();
  const size_t visible = m_.state.storages.size() ? outer.root().symbols.size() : 0;
  Shape shape;
  for (size_t i = 0; i < a->sizes.size(); ++i) {
    if (a->sizes[i] == b->sizes[i] && declared_before(outer.root(), a->sizes[i], visible)) {
      shape.push_back(a->sizes[i]);
      continue;
    }
    const auto r1 = a->sizes[i].bounds(m_.ranges()), r2 = b->sizes[i].bounds(m_.ranges());
    const Dim symbol = outer.fresh_symbol(
        "merged", {std::max<int64_t>(0, std::min(r1.min, r2.min)), std::max(r1.max, r2.max)});
    ir::Symbol* entry = outer.find_symbol(symbol.symbol_name());
    entry->source = output;
    entry->axis = static_cast<int>(i);
    shape.push_back(symbol);
  }
  output->type = ir::Type::tensor(a->dtype, shape);
  std::swap(m_.state, merged);
  Value out = m_.tensor(output);
  std::swap(m_.state, merged);
  return out;
}

// Lists of other lengths on each side: a sequence that the branch gives.
Result<ListData> Interpreter::join_sequences(const ListData& a, const ListData& b, Branch& x,
                                             Branch& y, ir::Node* node) {
  const ListData& longer = a.sequence || !a.items.empty() ? a : b;
  const Value sample = longer.sequence        ? longer.sample
                       : longer.items.empty() ? Value()
                                              : longer.items[0];
  ir::Graph& outer = m_.builder.graph();
  const ir::Type one = TRY(hand_out(x, [&] { return m_.sequence(a, sample); }));
  const ir::Type other = TRY(hand_out(y, [&] { return m_.sequence(b, sample); }));
  outer.add_node_output(node);
  ir::Value* output = node->outputs().back();
  TRY(m_.builder.status());
  output->type = sequence_type(m_, one, other, *output);
  return ListData{{}, a.element_type, output, sample};
}

Result<Value> Interpreter::join(const Value& a, const Value& b, Branch& x, Branch& y,
                                ir::Node* node, State& merged) {
  const size_t shared_storages = m_.state.storages.size();
  if (a.is<TensorRef>() && b.is<TensorRef>()) {
    const TensorRef &s = *a.get<TensorRef>(), &t = *b.get<TensorRef>();
    // The same tensor from before the branch: what it holds was merged with its storage.
    if (same(a, b) && s->storage < shared_storages) return a;
    const Value joined = TRY(join_tensors(s, t, x, y, node, merged));
    // It may be a tensor from before the branch, under another name.
    if (const TensorRef* made = joined.get<TensorRef>())
      return m_.doubtful(*made, {s, t}, shared_storages);
    return joined;
  }
  if (a.is<Poison>() && b.is<Poison>()) return a;
  if (a.is<Poison>() || b.is<Poison>()) {
    const bool first = a.is<Poison>();
    if (!(first ? a : b).get<Poison>()->uninitialised) return first ? a : b;
    return join_uninitialised(first ? b : a, first, x, y, node, merged);
  }
  if (a.is<Maybe>() || b.is<Maybe>() || a.is_none() != b.is_none())
    return join_optional(a, b, x, y, node, merged);
  if (const Bool *s = a.get<Bool>(), *t = b.get<Bool>(); s && t && s->is_known() && t->is_known()) {
    // True on one side and False on the other is the condition itself: what is decided by it later
    // is decided by this branch.
    if (s->kind == t->kind) return a;
    return s->kind == Bool::Kind::yes ? x.condition : m_.negate(x.condition);
  }
  if (is_number(a) && is_number(b) && a.v.index() == b.v.index()) {
    if (same(a, b)) {
      const Dim* d = a.get<Dim>();
      const Bool* flag = a.get<Bool>();
      const Float* f = a.get<Float>();
      if ((d && d->is_constant()) || (flag && flag->is_known()) || (f && f->is_known())) return a;
    }
    ir::Graph& outer = m_.builder.graph();
    TRY(hand_out(x, [&] { return m_.scalar_value(a, number_dtype(a)); }));
    TRY(hand_out(y, [&] { return m_.scalar_value(b, number_dtype(b)); }));
    outer.add_node_output(node);
    ir::Value* output = node->outputs().back();
    output->type = ir::Type::tensor(number_dtype(a), Shape{});
    const auto r1 = range_of(m_, a), r2 = range_of(m_, b);
    return number_from(m_, output, a, {std::min(r1.min, r2.min), std::max(r1.max, r2.max)});
  }
  if (a.v.index() != b.v.index()) {
    return Poison{fmt::format("the two sides of the branch at {} give {} and {}", x.line, a.kind(),
                              b.kind())};
  }
  if (const TupleRef* s = a.get<TupleRef>()) {
    const TupleRef& t = *b.get<TupleRef>();
    if ((*s)->items.size() != t->items.size())
      return Poison{
          fmt::format("the two sides of the branch at {} give tuples of other lengths", x.line)};
    TupleData joined{{}, (*s)->names, (*s)->type};
    for (size_t i = 0; i < (*s)->items.size(); ++i)
      joined.items.push_back(TRY(join((*s)->items[i], t->items[i], x, y, node, merged)));
    return std::make_shared<const TupleData>(std::move(joined));
  }
  if (const ListRef* s = a.get<ListRef>()) {
    const ListRef t = *b.get<ListRef>();
    if (s->id == t.id && s->id < m_.state.lists.size()) return a;
    const ListData one = x.state.lists[s->id], other = y.state.lists[t.id];
    const auto &left = one.items, &right = other.items;
    if (one.sequence || other.sequence || left.size() != right.size()) {
      auto joined = join_sequences(one, other, x, y, node);
      if (!joined) return Poison{joined.error().why};
      return ListRef{merged.lists.add(std::move(*joined))};
    }
    std::vector<Value> items;
    for (size_t i = 0; i < left.size(); ++i)
      items.push_back(TRY(join(left[i], right[i], x, y, node, merged)));
    return ListRef{merged.lists.add({std::move(items), {}})};
  }
  if (same(a, b)) return a;
  return Poison{fmt::format("the two sides of the branch at {} give another {}", x.line, a.kind())};
}

// A side that leaves a variable uninitialised never has it read: anything of the right kind stands
// in for it. `first` says that it is side x.
Result<Value> Interpreter::join_uninitialised(const Value& good, bool first, Branch& x, Branch& y,
                                              ir::Node* node, State& merged) {
  const Value none = Poison{"a variable is used before it has a value", true};
  auto join_with = [&](const Value& stand_in) {
    return join(first ? stand_in : good, first ? good : stand_in, x, y, node, merged);
  };
  auto each = [&](const std::vector<Value>& items) -> Result<std::vector<Value>> {
    std::vector<Value> out;
    for (const Value& item : items)
      out.push_back(TRY(join(first ? none : item, first ? item : none, x, y, node, merged)));
    return out;
  };
  if (good.is<Bool>()) return join_with(Value::boolean(false));
  if (good.is<Float>()) return join_with(Value::number(0));
  if (good.is<Dim>()) return join_with(Value::integer(0));
  if (const TensorRef* t = good.get<TensorRef>()) {
    Branch& side = first ? x : y;
    ir::Graph& outer = m_.builder.graph();
    Shape shape;  // sizes that only the other side knows are zero here
    for (const Dim& size : (*t)->sizes)
      shape.push_back(declared_before(outer.root(), size, side.symbols) ? size : Dim(0));
    std::swap(m_.state, side.state);
    m_.builder.enter(*side.graph);
    ir::Value* zero = m_.builder.scalar(0, (*t)->dtype);
    const Value stand_in = m_.tensor(
        shape.empty() ? zero : m_.builder.emit_named("Expand", {zero, m_.builder.shape(shape)}));
    m_.builder.enter(outer);
    std::swap(m_.state, side.state);
    return join_with(stand_in);
  }
  if (const TupleRef* tuple = good.get<TupleRef>()) {
    TupleData joined{TRY(each((*tuple)->items)), (*tuple)->names, (*tuple)->type};
    return std::make_shared<const TupleData>(std::move(joined));
  }
  if (const ListRef* list = good.get<ListRef>()) {
    const ListData data = (first ? y : x).state.lists[list->id];
    return ListRef{merged.lists.add({TRY(each(data.items)), data.element_type})};
  }
  if (const Maybe* maybe = good.get<Maybe>()) {
    const Value present = TRY(join_with(maybe->present));
    const std::vector<Value> value = TRY(each({*maybe->value}));
    return Maybe{*present.get<Bool>(), std::make_shared<const Value>(value[0])};
  }
  if (good.is<DictRef>() || good.is<ObjectRef>()) return none;
  return good;
}

// None on one side, or on both for reasons that data decides.
Result<Value> Interpreter::join_optional(const Value& a, const Value& b, Branch& x, Branch& y,
                                         ir::Node* node, State& merged) {
  const auto nothing = std::make_shared<const Value>(
      Poison{"a value is used that is None where data decides so", true});
  auto as_maybe = [&](const Value& v) {
    if (const Maybe* maybe = v.get<Maybe>()) return *maybe;
    if (v.is_none()) return Maybe{Bool::of(false), nothing};
    return Maybe{Bool::of(true), std::make_shared<const Value>(v)};
  };
  const Maybe s = as_maybe(a), t = as_maybe(b);
  const Value present = TRY(join(s.present, t.present, x, y, node, merged));
  const Value value = TRY(join(*s.value, *t.value, x, y, node, merged));
  if (const Poison* lost = value.get<Poison>(); lost && !lost->uninitialised) return value;
  return Maybe{*present.get<Bool>(), std::make_shared<const Value>(value)};
}

}  // namespace tenon::torch
