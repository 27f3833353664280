// Python's numbers and bools: conversions, decisions by interval analysis, text.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "torch/machine.h"

namespace tenon::torch {

using Relation = ir::Guard::Relation;

namespace {

// What can always be tried, where the place of the error knows nothing better.
std::string_view general_hint(ErrorKind kind) {
  if (kind == ErrorKind::unsupported)
    return "write this line of the model in another way, or save the model without that part";
  if (kind == ErrorKind::bad_file) return "make sure that the file is as PyTorch wrote it";
  return kind == ErrorKind::usage ? "see what tenon convert --help says of the options" : "";
}

}  // namespace

Error Machine::error(ErrorKind kind, std::string what, std::string why, std::string hint) const {
  if (hint.empty()) hint = general_hint(kind);
  return {.kind = kind,
          .what = std::move(what),
          .where = ir::where(builder.origin()),
          .why = std::move(why),
          .hint = std::move(hint)};
}

void Machine::notice_once(const std::string& text, const Where& where) {
  if (std::ranges::find(notices, text, &Notice::text) == notices.end())
    notices.push_back({text, where});
}

Value Machine::unsupported(const std::string& what, const std::string& why,
                           const std::string& hint) {
  problems.push_back(error(ErrorKind::unsupported, what, why, hint));
  return Poison{what};
}

namespace {

// The value of a 0-d (or one-element) tensor that comes from constants alone.
std::optional<double> constant_element(Machine& m, const ir::Value& value) {
  if (!value.type.shape) return std::nullopt;
  for (const Dim& size : *value.type.shape) {
    if (!size.is(1)) return std::nullopt;
  }
  const std::optional<Tensor> found = m.computed(value);
  if (!found || found->count() != 1) return std::nullopt;
  const Tensor& t = *found;
  switch (t.dtype()) {
    case DType::f32:
      return t.values<float>()[0];
    case DType::f64:
      return t.values<double>()[0];
    case DType::i64:
      return static_cast<double>(t.values<int64_t>()[0]);
    case DType::i32:
      return t.values<int32_t>()[0];
    case DType::boolean:
    case DType::u8:
      return t.values<uint8_t>()[0];
    default:
      return std::nullopt;
  }
}

int64_t truncate(double d) {
  if (!(std::abs(d) < 9.2e18)) return d > 0 ? ir::Interval::kMax : ir::Interval::kMin;
  return static_cast<int64_t>(d);
}

}  // namespace

Status Machine::need_real(const AbstractTensor& tensor, const char* what) const {
  if (tensor.quantiser)
    return fail(ErrorKind::unsupported, fmt::format("{} cannot be taken from this tensor", what),
                "it is quantised", "take it from x.dequantize()");
  if (!is_complex(tensor.dtype)) return {};
  return fail(ErrorKind::unsupported, fmt::format("{} cannot be taken from this tensor", what),
              "it is complex, and complex numbers are no Python values here",
              "take its real and its imaginary part: torch.view_as_real(x)");
}

Result<Dim> Machine::to_int(const Value& value) {
  if (const Dim* d = value.get<Dim>()) return *d;
  if (const Bool* b = value.get<Bool>()) {
    if (b->is_known()) return Dim(b->kind == Bool::Kind::yes ? 1 : 0);
    ir::Value* as_bool = TRY(bool_value(*b));
    Dim symbol = builder.graph().fresh_symbol("flag", {0, 1});
    ir::Symbol* entry = builder.graph().find_symbol(symbol.symbol_name());
    entry->source = builder.cast(as_bool, DType::i64);
    return symbol;
  }
  if (const Float* f = value.get<Float>()) {
    if (f->is_known()) return Dim(truncate(f->known));
    if (f->of && f->factor >= 0) {
      // int() truncates, which is floor for what is not negative; sizes are not.
      if (f->offset == 0) return ir::floorscale(*f->of, f->factor);
      if (f->factor == 1 && f->offset == std::floor(f->offset))
        return *f->of + Dim(static_cast<int64_t>(f->offset));
    }
    ir::Value* number = TRY(scalar_value(value, DType::f64));
    Dim symbol = builder.graph().fresh_symbol("number", {ir::Interval::kMin, ir::Interval::kMax});
    builder.graph().find_symbol(symbol.symbol_name())->source = builder.cast(number, DType::i64);
    return symbol;
  }
  if (const TensorRef* t = value.get<TensorRef>()) {
    if (auto elements = known(**t); elements && elements->size() == 1) {
      const Scalar& s = (*elements)[0];
      if (const Dim* d = std::get_if<Dim>(&s)) return *d;
      return to_int(to_value(s));
    }
    TRY(need_real(**t, "an integer"));
    ir::Value* source = TRY(read(**t));
    if (auto constant = constant_element(*this, *source)) return Dim(truncate(*constant));
    if (source->contents && source->contents->size() == 1) return (*source->contents)[0];
    if (mode_ == Mode::trace) {
      return fail(ErrorKind::unsupported, "an integer depends on data",
                  "it is read from a tensor, and --mode trace fixes every size",
                  "convert with --mode auto");
    }
    source = builder.cast(source, DType::i64);
    if (source->rank() != 0)
      source = builder.emit_with("Reshape", {{"allowzero", int64_t{0}}},
                                 {source, builder.ints(std::initializer_list<int64_t>{})});
    Dim symbol = builder.graph().fresh_symbol("item", {ir::Interval::kMin, ir::Interval::kMax});
    builder.graph().find_symbol(symbol.symbol_name())->source = source;
    source->contents = std::vector<Dim>{symbol};
    return symbol;
  }
  if (const Poison* p = value.get<Poison>())
    return fail(ErrorKind::unsupported, "an integer could not be computed", p->reason);
  return fail(ErrorKind::bad_file, "an integer is needed", "the value is of kind " + value.kind());
}

Result<int64_t> Machine::to_constant_int(const Value& value, std::string_view what) {
  const Dim d = TRY(to_int(value));
  if (auto n = d.constant()) return *n;
  return fail(ErrorKind::unsupported, fmt::format("{} must be a fixed number", what),
              "it is " + d.str() + ", which depends on the input",
              "fix the dimension with --shapes instead of making it dynamic");
}

Result<Float> Machine::to_float(const Value& value) {
  if (const Float* f = value.get<Float>()) return *f;
  if (const Dim* d = value.get<Dim>()) {
    if (auto n = d->constant()) return Float{static_cast<double>(*n), {}, 1, 0, nullptr};
    return Float{0, *d, 1, 0, nullptr};
  }
  if (const Bool* b = value.get<Bool>(); b && b->is_known())
    return Float{b->kind == Bool::Kind::yes ? 1.0 : 0.0, {}, 1, 0, nullptr};
  if (value.is<Bool>()) return to_float(TRY(to_int(value)));
  if (const TensorRef* t = value.get<TensorRef>()) {
    if (auto elements = known(**t); elements && elements->size() == 1) {
      return to_float(to_value((*elements)[0]));
    }
    TRY(need_real(**t, "a number"));
    ir::Value* source = TRY(read(**t));
    if (auto constant = constant_element(*this, *source))
      return Float{*constant, {}, 1, 0, nullptr};
    if (source->rank() != 0)
      source = builder.emit_with("Reshape", {{"allowzero", int64_t{0}}},
                                 {source, builder.ints(std::initializer_list<int64_t>{})});
    return Float{0, {}, 1, 0, source};
  }
  if (const Poison* p = value.get<Poison>())
    return fail(ErrorKind::unsupported, "a number could not be computed", p->reason);
  return fail(ErrorKind::bad_file, "a number is needed", "the value is of kind " + value.kind());
}

Result<Bool> Machine::to_bool(const Value& value) {
  if (const Bool* b = value.get<Bool>()) return *b;
  if (const Dim* d = value.get<Dim>()) {
    if (auto n = d->constant()) return Bool::of(*n != 0);
    return Bool{Bool::Kind::relation, Relation::ne, *d, 0, nullptr};
  }
  if (const Float* f = value.get<Float>(); f && f->is_known()) return Bool::of(f->known != 0);
  if (const TensorRef* t = value.get<TensorRef>()) {
    if (auto elements = known(**t); elements && elements->size() == 1) {
      return to_bool(to_value((*elements)[0]));
    }
    if ((*t)->quantiser) TRY(need_real(**t, "a condition"));
    ir::Value* source = TRY(read_as(**t, is_complex((*t)->dtype) ? DType::boolean : (*t)->dtype));
    if (auto constant = constant_element(*this, *source)) return Bool::of(*constant != 0);
    source = builder.cast(source, DType::boolean);
    if (source->rank() != 0)
      source = builder.emit_with("Reshape", {{"allowzero", int64_t{0}}},
                                 {source, builder.ints(std::initializer_list<int64_t>{})});
    return Bool{Bool::Kind::computed, {}, {}, {}, source};
  }
  if (const std::string* s = value.get<std::string>()) return Bool::of(!s->empty());
  if (value.is_none()) return Bool::of(false);
  if (const auto* all = items(value)) return Bool::of(!all->empty());
  if (is_sequence(value)) {
    const Value length = TRY(sequence_length(ListData(state.lists[value.get<ListRef>()->id])));
    return Bool{Bool::Kind::relation, Relation::ne, *length.get<Dim>(), 0, nullptr};
  }
  if (const Poison* p = value.get<Poison>())
    return fail(ErrorKind::unsupported, "a condition could not be computed", p->reason);
  return Bool::of(true);
}

Result<ir::Value*> Machine::scalar_value(const Value& number, DType dtype) {
  if (const TensorRef* t = number.get<TensorRef>()) return read_as(**t, dtype);
  if (is_complex(dtype)) return complex_scalar(number, dtype);
  if (const Complex* z = number.get<Complex>()) {
    if (z->im == 0) return builder.scalar(z->re, dtype);
    return fail(ErrorKind::bad_file, "a complex number stands where a real one is needed",
                to_text(number));
  }
  if (const Dim* d = number.get<Dim>()) {
    if (auto n = d->constant()) {
      return dtype == DType::i64 ? builder.scalar_int(*n)
                                 : builder.scalar(static_cast<double>(*n), dtype);
    }
    return builder.cast(builder.dim(*d), dtype);
  }
  if (const Bool* b = number.get<Bool>()) return builder.cast(TRY(bool_value(*b)), dtype);
  const Float f = TRY(to_float(number));
  if (f.is_known()) return builder.scalar(f.known, dtype);
  if (f.computed) return builder.cast(f.computed, dtype);
  ir::Value* v = builder.cast(builder.dim(*f.of), DType::f64);
  if (f.factor != 1) v = builder.emit_named("Mul", {v, builder.scalar(f.factor, DType::f64)});
  if (f.offset != 0) v = builder.emit_named("Add", {v, builder.scalar(f.offset, DType::f64)});
  return builder.cast(v, dtype);
}

Result<ir::Value*> Machine::bool_value(const Bool& b) {
  switch (b.kind) {
    case Bool::Kind::no:
    case Bool::Kind::yes:
      return builder.scalar(b.kind == Bool::Kind::yes ? 1 : 0, DType::boolean);
    case Bool::Kind::computed:
      return b.computed;
    case Bool::Kind::relation:
      break;
  }
  ir::Value* lhs = builder.dim(b.lhs);
  ir::Value* rhs = builder.dim(b.rhs);
  switch (b.relation) {
    case Relation::eq:
      return builder.emit_named("Equal", {lhs, rhs});
    case Relation::le:
      return builder.emit_named("LessOrEqual", {lhs, rhs});
    case Relation::ne:
      return builder.emit_named("Not", {builder.emit_named("Equal", {lhs, rhs})});
  }
  return lhs;
}

namespace {

// A relation as it is, or its negation.
Bool relation_as(const Bool& b, bool holds) {
  if (holds) return b;
  switch (b.relation) {
    case Relation::eq:
      return {Bool::Kind::relation, Relation::ne, b.lhs, b.rhs, nullptr};
    case Relation::ne:
      return {Bool::Kind::relation, Relation::eq, b.lhs, b.rhs, nullptr};
    case Relation::le:
      return {Bool::Kind::relation, Relation::le, b.rhs + Dim(1), b.lhs, nullptr};
  }
  return b;
}

// Whether a relation that holds makes another one hold.
bool implies(const Bool& fact, const Bool& other) {
  const Dim distance = fact.rhs - fact.lhs, asked = other.rhs - other.lhs;
  if (other.relation == Relation::le) {
    if (fact.relation == Relation::ne) return false;
    // 0 <= distance, or 0 = distance in either direction
    const auto more = (asked - distance).constant(), turned = (asked + distance).constant();
    return (more && *more >= 0) || (fact.relation == Relation::eq && turned && *turned >= 0);
  }
  if (other.relation == Relation::ne && fact.relation == Relation::le) {
    // a < b makes them differ.
    const auto less = (asked - distance).constant(), turned = (asked + distance).constant();
    return (less && *less > 0) || (turned && *turned < 0);
  }
  return fact.relation == other.relation && (asked == distance || asked == -distance);
}

}  // namespace

std::optional<bool> Machine::decide(const Bool& b) const {
  if (b.is_known()) return b.kind == Bool::Kind::yes;
  for (const Fact& fact : facts) {
    if (fact.condition.kind != b.kind) continue;
    if (b.kind == Bool::Kind::computed) {
      if (fact.condition.computed == b.computed) return fact.holds;
      continue;
    }
    const Bool known = relation_as(fact.condition, fact.holds);
    if (implies(known, b)) return true;
    if (implies(known, relation_as(b, false))) return false;
  }
  if (b.kind == Bool::Kind::computed) return std::nullopt;
  const auto decided = b.relation == Relation::le ? ir::less_equal(b.lhs, b.rhs, ranges())
                                                  : ir::equal(b.lhs, b.rhs, ranges());
  if (decided == ir::Truth::unknown) {
    // What an earlier condition established still holds.
    for (const ir::Guard& guard : builder.graph().root().guards) {
      const Bool known{Bool::Kind::relation, guard.relation, guard.lhs, guard.rhs, nullptr};
      if (implies(known, b)) return true;
      if (implies(known, relation_as(b, false))) return false;
    }
    return std::nullopt;
  }
  const bool holds = decided == ir::Truth::yes;
  return b.relation == Relation::ne ? !holds : holds;
}

Bool Machine::negate(const Bool& b) {
  switch (b.kind) {
    case Bool::Kind::no:
      return Bool::of(true);
    case Bool::Kind::yes:
      return Bool::of(false);
    case Bool::Kind::relation:
      return relation_as(b, false);
    case Bool::Kind::computed:
      break;
  }
  return {Bool::Kind::computed, {}, {}, {}, builder.emit_named("Not", {b.computed})};
}

void Machine::assume(const Bool& condition, bool value, const std::string& reason) {
  if (condition.kind == Bool::Kind::relation) {
    const Bool holds = value ? condition : negate(condition);
    ir::Graph& root = builder.graph().root();
    for (const ir::Guard& guard : root.guards) {
      if (guard.relation == holds.relation && guard.lhs == holds.lhs && guard.rhs == holds.rhs)
        return;
    }
    root.guards.push_back({holds.lhs, holds.relation, holds.rhs, builder.origin(), reason});
    return;
  }
  if (condition.kind == Bool::Kind::computed) {
    notices.push_back({fmt::format("relied on a condition on data being {}: {}",
                                   value ? "true" : "false", reason),
                       ir::where(builder.origin())});
  }
}

std::string Machine::to_text(const Value& value) const {
  return std::visit(
      [&](const auto& v) -> std::string {
        using T = std::remove_cvref_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>)
          return "None";
        else if constexpr (std::is_same_v<T, Bool>)
          return v.is_known() ? (v.kind == Bool::Kind::yes ? "True" : "False") : "bool";
        else if constexpr (std::is_same_v<T, Dim>)
          return v.str();
        else if constexpr (std::is_same_v<T, Float>) {
          if (!v.is_known()) return "float";
          return v.known == std::floor(v.known) && std::abs(v.known) < 1e16
                     ? fmt::format("{:.1f}", v.known)
                     : fmt::format("{}", v.known);
        } else if constexpr (std::is_same_v<T, std::string>)
          return v;
        else if constexpr (std::is_same_v<T, Device>)
          return v.name;
        else if constexpr (std::is_same_v<T, TensorRef>)
          return "Tensor" + ir::to_string(v->sizes);
        else if constexpr (std::is_same_v<T, ListRef> || std::is_same_v<T, TupleRef>) {
          std::string out = std::is_same_v<T, ListRef> ? "[" : "(";
          if (is_sequence(value)) return "list";
          for (const Value& item : *items(value)) {
            if (out.size() > 1) out += ", ";
            out += item.is<std::string>() ? "'" + to_text(item) + "'" : to_text(item);
          }
          return out + (std::is_same_v<T, ListRef> ? "]" : ")");
        } else
          return value.kind();
      },
      value.v);
}

const std::vector<Value>* Machine::items(const Value& value) const {
  if (const ListRef* list = value.get<ListRef>()) {
    const ListData& data = state.lists[list->id];
    return data.sequence ? nullptr : &data.items;
  }
  if (const TupleRef* tuple = value.get<TupleRef>()) return &(*tuple)->items;
  return nullptr;
}

namespace {

constexpr int64_t kMostValues = 1'000'000;
constexpr int kDeepest = 64;  // containers in containers

// Takes what the value holds off the budget; false where that does not suffice, where containers
// nest too deep, or where `container` is found inside.
bool within_budget(const State& state, const Value& value, const Value& container, int depth,
                   int64_t& budget) {
  auto each = [&](const Value& inner) {
    return within_budget(state, inner, container, depth + 1, budget);
  };
  if (--budget < 0 || depth > kDeepest) return false;
  if (const ListRef* list = value.get<ListRef>()) {
    if (const ListRef* outer = container.get<ListRef>(); outer && *outer == *list) return false;
    const auto& items = state.lists[list->id].items;
    return std::all_of(items.begin(), items.end(), each);
  }
  if (const DictRef* dict = value.get<DictRef>()) {
    if (const DictRef* outer = container.get<DictRef>(); outer && *outer == *dict) return false;
    const auto& items = state.dicts[dict->id].items;
    return std::all_of(items.begin(), items.end(),
                       [&](const auto& item) { return each(item.first) && each(item.second); });
  }
  if (const TupleRef* tuple = value.get<TupleRef>())
    return std::all_of((*tuple)->items.begin(), (*tuple)->items.end(), each);
  return true;
}

}  // namespace

Status Machine::may_hold(const Value& container, const Value& item) const {
  int64_t budget = kMostValues;
  if (within_budget(state, item, container, 0, budget)) return {};
  return fail(ErrorKind::unsupported, "a list or dict is too large",
              fmt::format("it holds itself, or more than {} values, or containers nested more than "
                          "{} deep",
                          kMostValues, kDeepest),
              "keep tensors in plain lists");
}

Value Machine::list(std::vector<Value> items) {
  int64_t budget = kMostValues;
  for (const Value& item : items) {
    if (within_budget(state, item, {}, 0, budget)) continue;
    builder.fail(may_hold({}, Value::tuple(std::move(items))).error());
    items.clear();
    break;
  }
  return ListRef{state.lists.add({std::move(items), {}})};
}

Result<std::vector<Value>> Machine::iterate(const Value& value) {
  if (const auto* all = items(value)) return *all;
  if (const Range* range = value.get<Range>()) {
    const auto start = range->start.constant(), stop = range->stop.constant(),
               step = range->step.constant();
    if (!start || !stop || !step || *step == 0)
      return fail(ErrorKind::unsupported, "cannot iterate", "the range depends on data");
    std::vector<Value> out;
    for (int64_t i = *start; *step > 0 ? i < *stop : i > *stop;) {
      if (out.size() > 1000000)
        return fail(ErrorKind::unsupported, "cannot unroll a loop",
                    "it has more than a million iterations");
      out.push_back(Value::integer(i));
      if (__builtin_add_overflow(i, *step, &i)) break;
    }
    return out;
  }
  if (const DictRef* dict = value.get<DictRef>()) {
    std::vector<Value> keys;
    for (const auto& [key, item] : state.dicts[dict->id].items) keys.push_back(key);
    return keys;
  }
  if (const std::string* text = value.get<std::string>()) {
    std::vector<Value> out;
    for (char c : *text) out.push_back(std::string(1, c));
    return out;
  }
  if (const Poison* p = value.get<Poison>())
    return fail(ErrorKind::unsupported, "cannot iterate", p->reason);
  if (is_sequence(value))
    return fail(ErrorKind::unsupported, "cannot iterate", "data decides how long the list is",
                "stack its tensors with torch.stack or torch.cat first");
  return fail(ErrorKind::bad_file, "cannot iterate", "over a value of kind " + value.kind());
}

Result<Shape> Machine::to_shape(const Value& value) {
  Shape out;
  if (value.is<Dim>()) return Shape{*value.get<Dim>()};
  for (const Value& item : TRY(iterate(value))) out.push_back(TRY(to_int(item)));
  return out;
}

}  // namespace tenon::torch
