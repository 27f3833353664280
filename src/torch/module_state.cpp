#include "torch/module_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "torch/control.h"

namespace tenon::torch {
namespace {

constexpr std::string_view kStateKey = "tenon.state.";

// The same value in two states: lists and dicts by what they hold.
bool unchanged(const Value& a, const State& x, const Value& b, const State& y, int depth = 0) {
  if (depth > 16) return false;
  const ListRef *s = a.get<ListRef>(), *t = b.get<ListRef>();
  if (s && t) {
    const auto &p = x.lists[s->id].items, &q = y.lists[t->id].items;
    return p.size() == q.size() &&
           std::equal(p.begin(), p.end(), q.begin(), [&](const Value& one, const Value& other) {
             return unchanged(one, x, other, y, depth + 1);
           });
  }
  const TupleRef *u = a.get<TupleRef>(), *v = b.get<TupleRef>();
  if (u && v) {
    const auto &p = (*u)->items, &q = (*v)->items;
    return p.size() == q.size() &&
           std::equal(p.begin(), p.end(), q.begin(), [&](const Value& one, const Value& other) {
             return unchanged(one, x, other, y, depth + 1);
           });
  }
  return same(a, b);
}

// A Python value that is the same in every call with inputs of these sizes.
bool is_settled(const Value& v) {
  if (const Float* f = v.get<Float>()) return f->is_known();
  if (const Bool* b = v.get<Bool>()) return b->is_known();
  return v.is<Dim>() || v.is<std::string>() || v.is_none();
}

InputForm number_form(const Value& v) { return {number_dtype(v), Shape{}}; }

TensorRef whole_storage(const State& state, uint32_t id) {
  AbstractTensor whole;
  whole.storage = id;
  whole.dtype = state.storages[id].dtype;
  whole.sizes = state.storages[id].shape;
  whole.strides = Machine::contiguous_strides(whole.sizes);
  return std::make_shared<const AbstractTensor>(std::move(whole));
}

// The constant that a tensor holds, where it is one.
std::optional<Tensor> constant_of(const State& state, const TensorRef& tensor) {
  const Storage& storage = state.storages[tensor->storage];
  if (tensor->view || storage.value == nullptr) return std::nullopt;
  return storage.value->constant;
}

Value now(const Machine& m, const StateSlot& slot) {
  if (slot.kind == StateSlot::Kind::buffer) return whole_storage(m.state, slot.id);
  const auto& all = m.state.objects[slot.id].attributes;
  auto it = all.find(slot.attribute);
  return it == all.end() ? Value() : it->second;
}

std::string initial_text(const std::optional<Tensor>& initial) {
  constexpr int64_t kMost = 1 << 16;
  if (!initial) return "unknown";
  const auto bytes = initial->bytes();
  if (std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; }))
    return "zeros";
  if (initial->count() > kMost) return "as in the module";
  std::string out;
  auto append = [&](auto values) {
    for (const auto v : values) out += (out.empty() ? "" : " ") + fmt::format("{}", v);
  };
  if (initial->dtype() == DType::f32)
    append(initial->values<float>());
  else if (initial->dtype() == DType::f64)
    append(initial->values<double>());
  else if (initial->dtype() == DType::i64)
    append(initial->values<int64_t>());
  else if (initial->dtype() == DType::i32)
    append(initial->values<int32_t>());
  else
    return "as in the module";
  return out;
}

// Whether a tensor is among what the value holds, as far as can be told: objects may hold each
// other.
bool holds_tensor(const Value& value, const State& state, int depth = 0) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest) return true;
  const auto any = [&](const std::vector<Value>& items) {
    return std::ranges::any_of(
        items, [&](const Value& item) { return holds_tensor(item, state, depth + 1); });
  };
  if (value.is<TensorRef>()) return true;
  if (const TupleRef* tuple = value.get<TupleRef>()) return any((*tuple)->items);
  if (const ListRef* list = value.get<ListRef>())
    return state.lists[list->id].sequence != nullptr || any(state.lists[list->id].items);
  if (const DictRef* dict = value.get<DictRef>()) {
    return std::ranges::any_of(state.dicts[dict->id].items, [&](const auto& item) {
      return holds_tensor(item.second, state, depth + 1);
    });
  }
  if (const ObjectRef* object = value.get<ObjectRef>()) {
    return std::ranges::any_of(state.objects[object->id].attributes, [&](const auto& attribute) {
      return holds_tensor(attribute.second, state, depth + 1);
    });
  }
  return false;
}

// What the call left otherwise than it found it.
std::vector<StateSlot> changed_state(Machine& m, const State& before) {
  using K = StateSlot::Kind;
  std::vector<StateSlot> out;
  for (uint32_t i = 0; i < before.storages.size(); ++i) {
    const Storage &was = before.storages[i], &is = m.state.storages[i];
    if (is.version == was.version || is.parameter.empty()) continue;
    out.push_back({.kind = K::buffer, .id = i, .attribute = {}, .name = is.parameter});
    out.back().form = InputForm{is.dtype, is.shape};
    out.back().initial = was.value ? was.value->constant : std::nullopt;
  }
  for (uint32_t i = 0; i < before.objects.size(); ++i) {
    if (m.state.objects.same(i, before.objects)) continue;
    const ObjectData& object = m.state.objects[i];
    for (const auto& [name, value] : object.attributes) {
      const auto& all = before.objects[i].attributes;
      auto was = all.find(name);
      if (was != all.end() && unchanged(was->second, before, value, m.state)) continue;
      StateSlot slot{.kind = K::attribute,
                     .id = i,
                     .attribute = name,
                     .name = object.module.empty() ? name : object.module + "." + name};
      if (const TensorRef* t = value.get<TensorRef>()) {
        slot.form = InputForm{(*t)->dtype, (*t)->sizes};
        const TensorRef* first = was == all.end() ? nullptr : was->second.get<TensorRef>();
        if (first && (*first)->sizes == (*t)->sizes) slot.initial = constant_of(before, *first);
      } else if (is_settled(value)) {
        slot.settled = value;
      } else if (is_number(value)) {
        slot.form = number_form(value);
      } else if (was != all.end() && was->second.is_none() && !holds_tensor(value, m.state)) {
        // Numbers that the first call that finds them missing makes, of no kind that can be handed
        // on. Tensors may be what calls gather: those are refused where the next call reads them.
        m.notices.push_back(
            {fmt::format("'{}' is None in the file; every run makes it, as a first call does",
                         slot.name),
             {}});
        continue;
      } else {
        slot.settled = Poison{value.kind()};
      }
      out.push_back(std::move(slot));
    }
  }
  return out;
}

// State that cannot be handed on is put out of reach; a program that writes it before it reads it
// does not notice. One that does not is refused.
Error cannot_be_kept(const StateSlot& slot, const Error& found) {
  return {
      .kind = ErrorKind::unsupported,
      .what = fmt::format("the module's state '{}' cannot be kept", slot.name),
      .where = found.where,
      .why = fmt::format("it is of kind {} and changes with each call, and the next one reads it",
                         slot.settled.get<Poison>()->reason),
      .hint = "convert with --state drop, which forgets what a call leaves behind"};
}

// Takes over what a call changed into what is known of the state; false where nothing is new, so
// that another call would leave the same.
Result<bool> add_changes(const Machine& m, std::vector<StateSlot>& slots,
                         const std::vector<StateSlot>& changes) {
  bool more = false;
  for (const StateSlot& change : changes) {
    auto known = std::find(slots.begin(), slots.end(), change);
    if (known != slots.end() && known->settled.is<Poison>()) continue;
    if (known == slots.end()) {
      slots.push_back(change);
      more = true;
    } else if (!known->form) {
      // A Python value that changes with each call: a number of the graph from here on.
      if (!change.form && !is_number(change.settled)) {
        return m.fail(ErrorKind::unsupported,
                      fmt::format("the module's state '{}' cannot be kept", change.name),
                      "it is of kind " + change.settled.kind() + " and changes with each call",
                      "convert with --state drop, which forgets what a call leaves behind");
      }
      known->form = change.form ? change.form : number_form(change.settled);
      more = true;
    } else if (change.form && (change.form->dtype != known->form->dtype ||
                               change.form->shape != known->form->shape)) {
      return m.fail(
          ErrorKind::unsupported,
          fmt::format("the module's state '{}' cannot be kept", change.name),
          fmt::format("its shape grows from {} to {} with a call",
                      ir::to_string(known->form->shape), ir::to_string(change.form->shape)),
          "convert with --state drop, which forgets what a call leaves behind");
    }
  }
  return more;
}

// Makes outputs of what the module holds now, NAME_out.
Status leave_state(Machine& m, const std::vector<StateSlot>& slots) {
  ir::Graph& graph = m.builder.graph();
  for (const StateSlot& slot : slots) {
    if (!slot.form) continue;
    const Value value = now(m, slot);
    ir::Value* out = nullptr;
    if (const TensorRef* t = value.get<TensorRef>())
      out = TRY(m.read(**t));
    else
      out = TRY(m.scalar_value(value, slot.form->dtype));
    out = m.builder.emit_named("Identity", {out});
    out->name = slot.name + "_out";
    graph.add_output(out);
  }
  return m.builder.status();
}

// Records the pairs and their values before the first call in the metadata.
void record_state(ir::Graph& graph, const std::vector<StateSlot>& slots) {
  for (const StateSlot& slot : slots) {
    if (!slot.form) continue;
    graph.metadata.emplace_back(std::string(kStateKey) + slot.name,
                                slot.name + "_out\n" + initial_text(slot.initial));
  }
}

// Drops pairs whose input nothing reads: each call writes them anew.
void drop_unread_state(ir::Graph& graph, std::vector<StateSlot>& slots) {
  std::erase_if(slots, [&](const StateSlot& slot) {
    if (!slot.form) return false;
    const auto inputs = graph.inputs();
    auto input = std::find_if(inputs.begin(), inputs.end(),
                              [&](const ir::Value* v) { return v->name == slot.name; });
    return input != inputs.end() && (*input)->uses.empty();
  });
}

// Whether the first call, from the state as the module was saved, gives what the graph gives from
// zeros, and leaves the same state. Programs make their state in the first call: what they begin
// with then shows only in what they compute.
bool begins_with_zeros(const ir::Graph& first, const ir::Graph& graph,
                       const ir::RefKernels& kernels) {
  auto run = [&](const ir::Graph& g) -> std::optional<std::vector<Tensor>> {
    std::vector<Tensor> inputs;
    uint32_t next = 1;
    for (size_t i = 0; i < g.inputs().size(); ++i) {
      const ir::Value* input = g.inputs()[i];
      ir::Bindings sizes;
      for (const ir::Symbol& s : g.symbols)
        sizes[s.name] = s.opt.value_or(std::max<int64_t>(s.range.min, 1));
      Dims dims;
      for (const Dim& size : *input->type.shape) {
        const auto n = size.evaluate(sizes);
        if (!n) return std::nullopt;
        dims.push_back(*n);
      }
      Tensor made = Tensor::zeros(input->dtype(), dims);
      if (input->dtype() == DType::f32 && i < first.inputs().size()) {
        for (float& v : made.mutable_values<float>()) {
          next = next * 1664525U + 1013904223U;
          v = static_cast<float>(next >> 8) / static_cast<float>(1 << 23) - 1.0F;
        }
      }
      inputs.push_back(std::move(made));
    }
    auto results = ir::evaluate(g, kernels, inputs);
    return results ? std::optional(std::move(*results)) : std::nullopt;
  };
  const auto a = run(first), b = run(graph);
  if (!a || !b || a->size() != b->size()) return false;
  for (size_t i = 0; i < a->size(); ++i) {
    const Tensor &x = (*a)[i], &y = (*b)[i];
    if (x.dtype() != y.dtype() || x.shape() != y.shape()) return false;
    if (x.dtype() != DType::f32) {
      if (!std::ranges::equal(x.bytes(), y.bytes())) return false;
      continue;
    }
    const auto p = x.values<float>(), q = y.values<float>();
    for (size_t k = 0; k < p.size(); ++k) {
      if (!(std::abs(p[k] - q[k]) <= 1e-5F * std::max(1.0F, std::abs(p[k])))) return false;
    }
  }
  return true;
}

// The initial values that the module does not hold, because its first call makes them.
Status find_initial(std::vector<StateSlot>& slots, Evaluation& first, Evaluation& last,
                    const ImportOptions& options) {
  const bool unknown = std::any_of(slots.begin(), slots.end(),
                                   [](const StateSlot& s) { return s.form && !s.initial; });
  if (!unknown || options.kernels == nullptr) return {};
  TRY(leave_state(*first.machine, slots));
  const bool zeros = begins_with_zeros(*first.graph, *last.graph, *options.kernels);
  for (StateSlot& slot : slots) {
    if (!slot.form || slot.initial) continue;
    const auto dims = ir::constant_dims(slot.form->shape);
    if (zeros) slot.initial = Tensor::zeros(slot.form->dtype, dims.value_or(Dims{0}));
    if (!zeros) {
      last.machine->notices.push_back(
          {fmt::format("the state '{}' is made by the module's first call, which differs from the "
                       "later ones that the graph holds; take its first value from PyTorch",
                       slot.name),
           {}});
    }
  }
  return {};
}

}  // namespace

void enter_state(Machine& m, std::vector<StateSlot>& slots) {
  for (StateSlot& slot : slots) {
    if (!slot.form) {
      m.state.objects.edit(slot.id).attributes[slot.attribute] = slot.settled;
      continue;
    }
    const Value input = input_tensor(m, slot.name, *slot.form);
    if (slot.kind == StateSlot::Kind::buffer) {
      Storage& storage = m.state.storages.edit(slot.id);
      storage.value = m.state.storages[(*input.get<TensorRef>())->storage].value;
      storage.known.reset();
      storage.cache.clear();
      continue;
    }
    Value& attribute = m.state.objects.edit(slot.id).attributes[slot.attribute];
    if (!is_number(attribute)) {
      attribute = input;
      continue;
    }
    ir::Value* number = m.state.storages[(*input.get<TensorRef>())->storage].value;
    if (attribute.is<Float>()) {
      attribute = Float{0, {}, 1, 0, number};
    } else if (attribute.is<Bool>()) {
      attribute = Bool{Bool::Kind::computed, {}, {}, {}, number};
    } else {
      const Dim symbol =
          m.builder.graph().fresh_symbol("state", {ir::Interval::kMin, ir::Interval::kMax});
      m.builder.graph().find_symbol(symbol.symbol_name())->source = number;
      attribute = symbol;
    }
  }
}

Result<Imported> with_state(
    const ImportOptions& options, const std::string& path,
    const std::function<Result<Evaluation>(std::vector<StateSlot>&)>& evaluate) {
  std::vector<StateSlot> slots;
  Evaluation first = TRY(evaluate(slots));
  Evaluation* last = &first;
  std::optional<Evaluation> again;
  const std::vector<StateSlot> changes = changed_state(*first.machine, first.before);
  if (!options.keep_state) {
    for (const StateSlot& slot : changes) {
      first.machine->notices.push_back({"the program writes to " + slot.name +
                                            "; the new value is used but not kept for the next run",
                                        {}});
    }
  } else if (!changes.empty()) {
    auto more = add_changes(*first.machine, slots, changes);
    constexpr int kMostRounds = 6;
    for (int round = 0; more && *more; ++round) {
      if (round == kMostRounds)
        return first.machine->fail(ErrorKind::unsupported, "the module's state never settles",
                                   "each call leaves another kind of state",
                                   "convert with --state drop");
      auto evaluated = evaluate(slots);
      const auto lost = std::ranges::find_if(
          slots, [](const StateSlot& slot) { return slot.settled.is<Poison>(); });
      if (!evaluated && lost != slots.end())
        return fail(with_where(cannot_be_kept(*lost, evaluated.error()), {.file = path}));
      again = TRY(std::move(evaluated));
      last = &*again;
      more = add_changes(*again->machine, slots, changed_state(*again->machine, again->before));
    }
    if (!more) return fail(with_where(more.error(), {.file = path}));
    std::erase_if(slots, [](const StateSlot& slot) { return slot.settled.is<Poison>(); });
    if (last != &first) {
      TRY(leave_state(*last->machine, slots));
      last->graph->remove_dead();
      const size_t all = slots.size();
      drop_unread_state(*last->graph, slots);
      if (slots.size() != all) {
        again = TRY(evaluate(slots));
        TRY(leave_state(*again->machine, slots));
        again->graph->remove_dead();
      }
      TRY(find_initial(slots, first, *last, options));
      record_state(*last->graph, slots);
    }
  }
  Imported out;
  out.graph = std::move(last->graph);
  out.graph->remove_dead();
  out.notices = std::move(last->machine->notices);
  out.suspicions = std::move(last->suspicions);
  return out;
}

}  // namespace tenon::torch
