// Loops that data decides: evaluated to a fixed point of what their body carries, they become Loop.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "torch/control.h"
#include "torch/views.h"
namespace tenon::torch {

using script::Stmt;

namespace {

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
        inputs.push_back(TRY(m_.scalar_value(value, number_dtype(value))));
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
        const TensorRef& was = *before.get<TensorRef>();
        const Value inner = m_.tensor(input, is_complex(was->dtype));
        slot.set(m_.state, call.locals,
                 m_.doubtful(with_quantiser(*inner.get<TensorRef>(), was->quantiser), {was},
                             writers.size()));
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
          t->sizes.size() != it->second.shape->size() || !same_quantiser(*t, *was)) {
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
        out = TRY(m_.scalar_value(value, type.dtype));
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
        const TensorRef& was = *before.get<TensorRef>();
        const Value result = m_.tensor(output, is_complex(was->dtype));
        slot.set(m_.state, call.locals,
                 m_.doubtful(with_quantiser(*result.get<TensorRef>(), was->quantiser), {was},
                             writers.size()));
      } else {
        slot.set(m_.state, call.locals, number_from(m_, output, before, {}));
      }
    }
    return Flow{};
  }
  return refuse("its carried values reach no fixed point");
}

}  // namespace tenon::torch
