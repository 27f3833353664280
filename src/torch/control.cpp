// Branches and loops that data decides: both sides are evaluated on snapshots of the state and
// merged into If; loops are evaluated to a fixed point of what their body carries, and become Loop.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "torch/interpreter.h"
#include "torch/views.h"

namespace tenon::torch {

using script::Stmt;

// One side of a branch, evaluated: what it left behind, and the subgraph that it was emitted into.
struct Interpreter::Branch {
  ir::Graph* graph = nullptr;
  State state;
  Locals locals;
  Flow flow;
  std::string line;    // of the branch, for messages
  Bool condition;      // of the branch, the same on both sides
  size_t symbols = 0;  // how many there were before the branch
};

namespace {

// What evaluation adds to the root graph beside nodes; restored where a side is discarded.
struct Mark {
  size_t symbols, guards, notices, problems;
  static Mark of(const Machine& m) {
    const ir::Graph& root = m.builder.graph().root();
    return {root.symbols.size(), root.guards.size(), m.notices.size(), m.problems.size()};
  }
  void restore(Machine& m) const {
    ir::Graph& root = m.builder.graph().root();
    root.symbols.resize(symbols);
    root.guards.resize(guards);
    m.notices.resize(notices);
    m.problems.resize(problems);
    m.builder.forget_others();
  }
};

// Whether every symbol of the dim was declared before `limit`.
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

// A number inside a branch or loop as a 0-d value of the graph that is being built.
Result<ir::Value*> number_value(Machine& m, const Value& v, DType dtype) {
  ir::Value* value = TRY(m.scalar_value(v, dtype));
  return value;
}

// The value handed out of a subgraph must be made in it.
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

// The type of a sequence that may be either: sizes that differ are symbols of the sequence itself.
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

ir::Interval range_of(const Machine& m, const Value& v) {
  const Dim* d = v.get<Dim>();
  return d ? d->bounds(m.ranges()) : ir::Interval{};
}

// The type of a sequence of these, where they are of one kind: tensors of one type and rank, or
// numbers.
std::optional<ir::Type> list_type(const std::vector<Value>& items) {
  std::optional<Shape> shape;
  DType dtype = DType::undefined;
  for (const Value& item : items) {
    const TensorRef* t = item.get<TensorRef>();
    if (t == nullptr && !is_number(item)) return std::nullopt;
    const DType here = t ? (*t)->dtype : number_dtype(item);
    const Shape sizes = t ? (*t)->sizes : Shape{};
    if (shape && (here != dtype || sizes.size() != shape->size())) return std::nullopt;
    if (item.v.index() != items[0].v.index()) return std::nullopt;
    dtype = here;
    if (!shape) shape = sizes;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (!((*shape)[i] == sizes[i])) (*shape)[i] = Dim(-1);
    }
  }
  if (!shape) return std::nullopt;
  return ir::Type::sequence(ir::Type::tensor(dtype, std::move(*shape)));
}

}  // namespace

Result<Interpreter::Branch> Interpreter::try_branch(const std::vector<Stmt>& body, Call& call,
                                                    ir::Graph& graph, const Fact& fact) {
  const State state = m_.state;
  const Locals locals = call.locals;
  ir::Graph* outer = m_.builder.enter(graph);
  m_.facts.push_back(fact);
  auto flow = run(body, call);
  m_.facts.pop_back();
  m_.builder.enter(*outer);
  Branch out;
  out.graph = &graph;
  std::swap(out.state, m_.state);
  std::swap(out.locals, call.locals);
  m_.state = state;
  call.locals = locals;
  if (!flow) return std::unexpected(std::move(flow).error());
  out.flow = std::move(*flow);
  return out;
}

// Whether a branch on "n > 0" differs only in tensors that are empty where n is 0, and that both
// sides give: then the side for n > 0 gives the right elements, none, for n = 0 as well. Programs
// ask so before they reshape, which PyTorch refuses for what is empty.
bool Interpreter::only_for_something(const Branch& x, const Branch& y, const State& before,
                                     const Locals& locals) const {
  const Bool& c = x.condition;
  if (c.kind != Bool::Kind::relation || c.relation != ir::Guard::Relation::le || !c.lhs.is(1) ||
      c.rhs.bounds(m_.ranges()).min < 0)
    return false;
  for (const Branch* side : {&x, &y}) {
    for (uint32_t i = 0; i < before.storages.size(); ++i) {
      if (side->state.storages[i].version != before.storages[i].version) return false;
    }
    for (uint32_t i = 0; i < before.lists.size(); ++i) {
      if (!side->state.lists.same(i, before.lists)) return false;
    }
    for (uint32_t i = 0; i < before.dicts.size(); ++i) {
      if (!side->state.dicts.same(i, before.dicts)) return false;
    }
    for (uint32_t i = 0; i < before.objects.size(); ++i) {
      if (!side->state.objects.same(i, before.objects)) return false;
    }
  }
  auto empty = [&](const Value& v) {
    const TensorRef* t = v.get<TensorRef>();
    return t && std::any_of((*t)->sizes.begin(), (*t)->sizes.end(),
                            [&](const Dim& size) { return size == c.rhs; });
  };
  for (const auto& [name, a] : x.locals) {
    auto b = y.locals.find(name);
    if (b == y.locals.end()) {
      if (locals.contains(name)) return false;
      continue;  // it has no value on the other side: nobody reads it after
    }
    if (!same(a, b->second) && !(empty(a) && empty(b->second))) return false;
  }
  return true;
}

Result<Interpreter::Flow> Interpreter::dynamic_branch(const Stmt& stmt, Call& call,
                                                      const Bool& condition) {
  const std::string line = source_line(call, stmt.offset);
  const Mark mark = Mark::of(m_);
  ir::Graph& graph = m_.builder.graph();
  ir::Value* value = TRY(m_.bool_value(condition));
  TRY(m_.builder.status());
  ir::Node* node = graph.add_node("", "If", {}, {value}, 0, m_.builder.origin());
  ir::Graph& then_graph = *graph.add_subgraph(node, "then_branch");
  ir::Graph& else_graph = *graph.add_subgraph(node, "else_branch");

  raised_ = false;
  auto then_side = try_branch(stmt.body, call, then_graph, {condition, true});
  const bool then_raises = !then_side && raised_;
  raised_ = false;
  auto else_side = try_branch(stmt.orelse, call, else_graph, {condition, false});
  const bool else_raises = !else_side && raised_;
  raised_ = false;

  auto discard = [&] {
    (void)m_.builder.status();
    graph.erase(node);
    mark.restore(m_);
  };
  if (then_raises && else_raises) {
    raised_ = true;
    return std::unexpected(std::move(then_side).error());
  }
  if (then_raises || else_raises) {
    // What one side only checks becomes an assumption, and the other side goes on unconditionally.
    discard();
    m_.assume(condition, else_raises, fmt::format("the check at {}", line));
    return run(then_raises ? stmt.orelse : stmt.body, call);
  }
  auto specialise = [&](const Error& why) -> Result<Flow> {
    discard();
    if (condition.kind == Bool::Kind::relation && m_.mode() == Mode::automatic) {
      ir::Bindings opt;
      for (const ir::Symbol& s : graph.root().symbols) {
        if (s.opt) opt[s.name] = *s.opt;
      }
      const auto lhs = condition.lhs.evaluate(opt), rhs = condition.rhs.evaluate(opt);
      if (lhs && rhs) {
        const bool holds = condition.relation == ir::Guard::Relation::eq   ? *lhs == *rhs
                           : condition.relation == ir::Guard::Relation::ne ? *lhs != *rhs
                                                                           : *lhs <= *rhs;
        m_.assume(condition, holds,
                  fmt::format("the branch at {} was decided for the optimal shape", line));
        m_.notices.push_back({fmt::format("the branch at {} cannot be kept ({}); it is fixed to "
                                          "what the optimal shape decides",
                                          line, why.why),
                              ir::where(m_.builder.origin())});
        return run(holds ? stmt.body : stmt.orelse, call);
      }
    }
    return std::unexpected(why);
  };
  if (!then_side) return specialise(then_side.error());
  if (!else_side) return specialise(else_side.error());
  Branch &x = *then_side, &y = *else_side;
  x.line = y.line = line;
  x.condition = y.condition = condition;
  x.symbols = y.symbols = mark.symbols;
  if (x.flow.kind != y.flow.kind) {
    return specialise(m_.error(ErrorKind::unsupported,
                               "a branch that data decides leaves its block on one side only",
                               "at " + line, "let both sides run to the end of the if"));
  }
  if (x.flow.kind == Flow::Kind::normal && only_for_something(x, y, m_.state, call.locals)) {
    discard();
    m_.notices.push_back({fmt::format("the branch at {} tells apart whether there is anything; as "
                                      "both sides give empty tensors for nothing, only the side "
                                      "for something is kept",
                                      line),
                          ir::where(m_.builder.origin())});
    return run(stmt.body, call);
  }
  State merged = m_.state;
  Locals locals;
  auto merge = [&]() -> Status {
    TRY(join_state(x, y, node, m_.state, merged));
    for (const auto& [name, a] : x.locals) {
      auto b = y.locals.find(name);
      locals[name] =
          b == y.locals.end()
              ? Value(Poison{fmt::format("'{}' has a value only on one side of the branch at {}",
                                         name, line)})
              : TRY(join(a, b->second, x, y, node, merged));
    }
    if (x.flow.kind == Flow::Kind::returned)
      x.flow.value = TRY(join(x.flow.value, y.flow.value, x, y, node, merged));
    return m_.builder.status();
  };
  if (auto ok = merge(); !ok) return specialise(ok.error());
  // Nothing differs: the condition does not matter.
  if (node->outputs().empty()) {
    graph.erase(node);
    m_.builder.forget_others();
  }
  m_.state = std::move(merged);
  call.locals = std::move(locals);
  return x.flow;
}

using Writers = std::map<uint32_t, uint64_t>;

static void add_writers(State& state, uint32_t id, const Writers& more) {
  for (const auto& [group, when] : more) {
    const auto& known = state.storages[id].writers;
    if (auto it = known.find(group); it != known.end() && it->second >= when) continue;
    state.storages.edit(id).writers[group] = when;
  }
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
  if (a->dtype != b->dtype)
    return Poison{
        fmt::format("the two sides of the branch at {} give tensors of other types", x.line)};
  if (a->sizes.size() != b->sizes.size())
    return Poison{
        fmt::format("the two sides of the branch at {} give tensors of {} and {} dimensions",
                    x.line, a->sizes.size(), b->sizes.size())};
  ir::Graph& outer = m_.builder.graph();
  auto hand_out = [&](Branch& side, const TensorRef& t) -> Status {
    std::swap(m_.state, side.state);
    m_.builder.enter(*side.graph);
    auto value = m_.read(*t);
    if (value) side.graph->add_output(local_value(m_, *value, *side.graph));
    m_.builder.enter(outer);
    std::swap(m_.state, side.state);
    if (!value) return std::unexpected(std::move(value).error());
    return {};
  };
  TRY(hand_out(x, a));
  TRY(hand_out(y, b));
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
  auto hand_out = [&](Branch& side, const ListData& list) -> Result<ir::Type> {
    std::swap(m_.state, side.state);
    m_.builder.enter(*side.graph);
    auto value = m_.sequence(list, sample);
    if (value) side.graph->add_output(local_value(m_, *value, *side.graph));
    m_.builder.enter(outer);
    std::swap(m_.state, side.state);
    if (!value) return std::unexpected(std::move(value).error());
    return (*value)->type;
  };
  const ir::Type one = TRY(hand_out(x, a)), other = TRY(hand_out(y, b));
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
    auto hand_out = [&](Branch& side, const Value& v) -> Status {
      std::swap(m_.state, side.state);
      m_.builder.enter(*side.graph);
      auto value = number_value(m_, v, number_dtype(v));
      if (value) side.graph->add_output(local_value(m_, *value, *side.graph));
      m_.builder.enter(outer);
      std::swap(m_.state, side.state);
      if (!value) return std::unexpected(std::move(value).error());
      return {};
    };
    TRY(hand_out(x, a));
    TRY(hand_out(y, b));
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

// ----------------------------------------------------------------------------------------------------------------
// loops

// A place whose value a loop's body changes.
struct Interpreter::Slot {
  enum class Kind : uint8_t { local, storage, item, attribute, list };
  Kind kind = Kind::local;
  std::string name;  // of a local or an attribute
  uint32_t id = 0;   // of a storage, list or object
  size_t index = 0;  // of a list's item
  auto key() const { return std::tuple(kind, name, id, index); }
  bool operator<(const Slot& other) const { return key() < other.key(); }

  std::string describe() const {
    switch (kind) {
      case Kind::local:
        return "'" + name + "'";
      case Kind::attribute:
        return "the attribute '" + name + "'";
      case Kind::item:
        return fmt::format("item {} of a list", index);
      case Kind::storage:
        return "a tensor written in place";
      case Kind::list:
        return "a list";
    }
    return {};
  }
  Value get(const State& state, const Locals& locals) const {
    switch (kind) {
      case Kind::local: {
        auto it = locals.find(name);
        return it == locals.end() ? Value(Poison{"no value"}) : it->second;
      }
      case Kind::item:
        return index < state.lists[id].items.size() ? state.lists[id].items[index]
                                                    : Value(Poison{"no value"});
      case Kind::attribute: {
        const auto& all = state.objects[id].attributes;
        auto it = all.find(name);
        return it == all.end() ? Value() : it->second;
      }
      case Kind::storage: {
        AbstractTensor whole;
        whole.storage = id;
        whole.dtype = state.storages[id].dtype;
        whole.sizes = state.storages[id].shape;
        whole.strides = Machine::contiguous_strides(whole.sizes);
        whole.doubt.group = AliasDoubt::kWhole;
        return std::make_shared<const AbstractTensor>(std::move(whole));
      }
      case Kind::list:
        return ListRef{id};
    }
    return {};
  }
  void set(State& state, Locals& locals, const Value& value) const {
    switch (kind) {
      case Kind::local:
        locals[name] = value;
        break;
      case Kind::item:
        state.lists.edit(id).items[index] = value;
        break;
      case Kind::attribute:
        state.objects.edit(id).attributes[name] = value;
        break;
      case Kind::storage: {
        ir::Value* contents = state.storages[(*value.get<TensorRef>())->storage].value;
        Storage& storage = state.storages.edit(id);
        storage.value = contents;
        storage.known.reset();
        storage.uninitialised = false;
        storage.cache.clear();
        ++storage.version;
        break;
      }
      case Kind::list:  // set as a sequence
        break;
    }
  }
};

Result<Interpreter::Flow> Interpreter::dynamic_loop(const Stmt& stmt, Call& call,
                                                    const Value& first_condition,
                                                    const Range* range) {
  const std::string line = source_line(call, stmt.offset);
  const Mark mark = Mark::of(m_);
  const State state0 = m_.state;
  const Locals locals0 = call.locals;
  ir::Graph& graph = m_.builder.graph();
  std::map<Slot, ir::Type> carried;   // with the type inside the loop
  std::map<uint32_t, Value> samples;  // of the elements of lists that grow

  auto number_type = [](const Value& v) { return ir::Type::tensor(number_dtype(v), Shape{}); };
  auto refuse = [&](std::string why,
                    std::string hint = "keep the loop's variables of one kind and shape") {
    return m_.fail(ErrorKind::unsupported, "a loop that data decides cannot be converted",
                   fmt::format("{} (loop at {})", why, line), std::move(hint));
  };

  // Who writes to the storages from before the loop in its body: an iteration finds them written by
  // the one before it.
  std::vector<Writers> writers(state0.storages.size());
  const auto add_all_writers = [&] {
    for (uint32_t i = 0; i < writers.size(); ++i) add_writers(m_.state, i, writers[i]);
  };

  for (int round = 0; round < 20; ++round) {
    // Initial values, read outside.
    std::vector<ir::Value*> inputs;
    ir::Value* trip = nullptr;
    ir::Value* condition = nullptr;
    if (range) {
      const Dim length = range->step.is(1) ? range->stop - range->start
                                           : ir::ceildiv(range->stop - range->start, range->step);
      trip = m_.builder.dim(length);
      condition = m_.builder.scalar(1, DType::boolean);
    } else {
      condition = TRY(m_.bool_value(TRY(m_.to_bool(first_condition))));
    }
    inputs = {trip, condition};
    for (const auto& [slot, type] : carried) {
      const Value value = slot.get(m_.state, call.locals);
      if (slot.kind == Slot::Kind::list) {
        inputs.push_back(TRY(m_.sequence(ListData(m_.state.lists[slot.id]), samples[slot.id])));
        continue;
      }
      if (value.is<TensorRef>())
        inputs.push_back(TRY(m_.read(**value.get<TensorRef>())));
      else
        inputs.push_back(TRY(number_value(m_, value, number_dtype(value))));
    }
    TRY(m_.builder.status());
    const State ready = m_.state;
    ir::Node* node = graph.add_node("", "Loop", {}, inputs, 0, m_.builder.origin());
    ir::Graph& body = *graph.add_subgraph(node, "body");
    const size_t outside_symbols = graph.root().symbols.size();
    ir::Value* iteration = body.add_input("iteration", ir::Type::tensor(DType::i64, Shape{}));
    body.add_input("condition_in", ir::Type::tensor(DType::boolean, Shape{}));
    m_.builder.enter(body);
    for (auto& [slot, type] : carried) {
      ir::Value* input = body.add_input("carried", type);
      const Value before = slot.get(state0, locals0);
      if (slot.kind == Slot::Kind::list) {
        input->type = sequence_type(m_, type, type, *input);
        ListData& list = m_.state.lists.edit(slot.id);
        list.items.clear();
        list.sequence = input;
        list.sample = samples[slot.id];
        continue;
      }
      if (before.is<TensorRef>()) {
        // Sizes that change from one iteration to the next are symbols of the body.
        for (size_t i = 0; i < type.shape->size(); ++i) {
          if (!(*type.shape)[i].is(-1)) continue;
          const Dim symbol = graph.fresh_symbol("carried", {0, ir::Interval::kMax});
          ir::Symbol* entry = graph.find_symbol(symbol.symbol_name());
          entry->source = input;
          entry->axis = static_cast<int>(i);
          (*input->type.shape)[i] = symbol;
        }
        // In the first iteration it is the tensor from before the loop.
        const Value inner = m_.tensor(input, is_complex((*before.get<TensorRef>())->dtype));
        slot.set(m_.state, call.locals,
                 m_.doubtful(*inner.get<TensorRef>(), {*before.get<TensorRef>()}, writers.size()));
      } else {
        slot.set(m_.state, call.locals, number_from(m_, input, before, {}));
      }
    }
    add_all_writers();
    const State begin = m_.state;
    Locals begin_locals = call.locals;
    if (range) {
      const Dim i = graph.fresh_symbol("iteration", {0, ir::Interval::kMax});
      graph.find_symbol(i.symbol_name())->source = iteration;
      TRY(assign(stmt.exprs[0], range->start + i * range->step, call));
    }
    auto undo = [&] {
      (void)m_.builder.status();
      m_.builder.enter(graph);
      m_.state = ready;
      call.locals = locals0;
      graph.erase(node);
      mark.restore(m_);
    };
    auto flow = run(stmt.body, call);
    Value again = Value::boolean(true);
    if (flow && !range) {
      auto next = eval(stmt.exprs[0], call);
      if (!next)
        flow = std::unexpected(next.error());
      else
        again = *next;
    }
    if (!flow || flow->kind != Flow::Kind::normal) {
      undo();
      if (!flow) return std::unexpected(std::move(flow).error());
      return refuse("it leaves the loop from inside its body", "end the loop by its condition");
    }

    // What changed that is not carried yet, or is carried with another shape?
    bool changed = false;
    for (uint32_t i = 0; i < writers.size(); ++i) {
      const Writers& after = m_.state.storages[i].writers;
      changed = changed || (after.size() > begin.storages[i].writers.size() && round < 2);
      for (const auto& [group, when] : after) writers[i][group] = when;
    }
    std::string why;
    auto notice = [&](const Slot& slot, const Value& before, const Value& after) {
      auto it = carried.find(slot);
      if (it == carried.end()) {
        const Value initial = slot.get(state0, locals0);
        if (initial.is<Poison>() ||
            (slot.kind == Slot::Kind::local && !locals0.contains(slot.name)))
          return;
        if (const TensorRef* t = initial.get<TensorRef>())
          carried[slot] = ir::Type::tensor(real_type((*t)->dtype), graph_shape(**t));
        else if (is_number(initial))
          carried[slot] = number_type(initial);
        else if (slot.kind != Slot::Kind::local || !initial.is_none()) {
          if (initial.is<TupleRef>() || initial.is<std::string>() || initial.is_none())
            why = fmt::format("{} changes from one iteration to the next and is of kind {}",
                              slot.describe(), initial.kind());
          return;
        }
        changed = true;
        return;
      }
      const TensorRef* now = after.get<TensorRef>();
      if ((now != nullptr) != (it->second.shape && !is_number(before))) return;
      if (now == nullptr) return;
      const TensorRef t = real_view(*now), was = real_view(*before.get<TensorRef>());
      if ((*now)->dtype != (*before.get<TensorRef>())->dtype || t->dtype != it->second.dtype ||
          t->sizes.size() != it->second.shape->size()) {
        why = fmt::format("{} changes its type or rank from one iteration to the next",
                          slot.describe());
        return;
      }
      for (size_t i = 0; i < t->sizes.size(); ++i) {
        Dim& entry = (*it->second.shape)[i];
        if (entry.is(-1) || t->sizes[i] == was->sizes[i]) continue;
        entry = -1;
        changed = true;
      }
    };
    for (const auto& [name, before] : begin_locals) {
      const Value& after = call.locals[name];
      const Slot slot{Slot::Kind::local, name, 0, 0};
      if (!same(before, after) || carried.contains(slot)) notice(slot, before, after);
    }
    for (uint32_t i = 0; i < state0.storages.size(); ++i) {
      const Slot slot{Slot::Kind::storage, {}, i, 0};
      if (m_.state.storages[i].version != begin.storages[i].version)
        notice(slot, slot.get(begin, begin_locals), slot.get(m_.state, call.locals));
    }
    for (uint32_t i = 0; i < state0.lists.size(); ++i) {
      if (m_.state.lists.same(i, begin.lists)) continue;
      const auto &before = begin.lists[i].items, &after = m_.state.lists[i].items;
      if (m_.state.lists[i].sequence) {
        const Slot slot{Slot::Kind::list, {}, i, 0};
        if (carried.contains(slot)) continue;
        // It was a sequence before the loop, or became one in a branch of the body.
        carried[slot] = m_.state.lists[i].sequence->type;
        samples[i] = m_.state.lists[i].sample;
        changed = true;
        continue;
      }
      if (before.size() < after.size()) {
        std::optional<ir::Type> type = list_type(after);
        if (!type) {
          undo();
          return refuse("a list that grows holds values of other kinds",
                        "keep tensors of one type and rank in it");
        }
        carried[{Slot::Kind::list, {}, i, 0}] = *type;
        samples[i] = after.back();
        changed = true;
        continue;
      }
      if (before.size() != after.size()) {
        undo();
        return refuse("a list gets shorter in every iteration",
                      "keep its elements, or use a tensor");
      }
      for (size_t k = 0; k < before.size(); ++k) {
        if (!same(before[k], after[k])) notice({Slot::Kind::item, {}, i, k}, before[k], after[k]);
      }
    }
    for (uint32_t i = 0; i < state0.objects.size(); ++i) {
      if (m_.state.objects.same(i, begin.objects)) continue;
      const auto after = m_.state.objects[i].attributes;
      for (const auto& [name, value] : after) {
        const auto& all = begin.objects[i].attributes;
        auto before = all.find(name);
        if (before != all.end() && !same(before->second, value))
          notice({Slot::Kind::attribute, name, i, 0}, before->second, value);
      }
    }
    if (!why.empty()) {
      undo();
      return refuse(why);
    }
    if (changed) {
      undo();
      continue;
    }

    // The fixed point: hand the carried values out of the body and out of the loop.
    ir::Value* next_condition = TRY(m_.bool_value(TRY(m_.to_bool(again))));
    body.add_output(local_value(m_, next_condition, body));
    for (const auto& [slot, type] : carried) {
      const Value value = slot.get(m_.state, call.locals);
      if (slot.kind == Slot::Kind::list) {
        body.add_output(local_value(m_, m_.state.lists[slot.id].sequence, body));
        continue;
      }
      ir::Value* out = nullptr;
      if (const TensorRef* t = value.get<TensorRef>())
        out = TRY(m_.read(**t));
      else
        out = TRY(number_value(m_, value, type.dtype));
      body.add_output(local_value(m_, m_.builder.cast(out, type.dtype), body));
    }
    TRY(m_.builder.status());
    m_.builder.enter(graph);
    m_.state = ready;
    add_all_writers();
    call.locals = locals0;
    for (const auto& [slot, type] : carried) {
      graph.add_node_output(node);
      ir::Value* output = node->outputs().back();
      output->type = type;
      const Value before = slot.get(state0, locals0);
      if (slot.kind == Slot::Kind::list) {
        output->type = sequence_type(m_, type, type, *output);
        ListData& list = m_.state.lists.edit(slot.id);
        list.items.clear();
        list.sequence = output;
        list.sample = samples[slot.id];
        continue;
      }
      if (before.is<TensorRef>()) {
        for (size_t i = 0; i < type.shape->size(); ++i) {
          if (!(*type.shape)[i].is(-1) &&
              declared_before(graph.root(), (*type.shape)[i], outside_symbols))
            continue;
          const Dim symbol = graph.fresh_symbol("looped", {0, ir::Interval::kMax});
          ir::Symbol* entry = graph.find_symbol(symbol.symbol_name());
          entry->source = output;
          entry->axis = static_cast<int>(i);
          (*output->type.shape)[i] = symbol;
        }
        // Without any iteration it is the tensor from before the loop.
        const Value result = m_.tensor(output, is_complex((*before.get<TensorRef>())->dtype));
        slot.set(m_.state, call.locals,
                 m_.doubtful(*result.get<TensorRef>(), {*before.get<TensorRef>()}, writers.size()));
      } else {
        slot.set(m_.state, call.locals, number_from(m_, output, before, {}));
      }
    }
    return Flow{};
  }
  return refuse("its carried values reach no fixed point");
}

}  // namespace tenon::torch
