// Calling operators: which overload the arguments fit, and what computes it.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "torch/lowering.h"
#include "torch/mobile.h"
#include "torch/quantised.h"
#include "torch/quantised_layers.h"
#include "torch/views.h"

namespace tenon::torch {
namespace {

using Kind = SchemaType::Kind;

bool fits(const Machine& m, const Value& value, const SchemaType& type, bool conversions);

bool fits_all(const Machine& m, const std::vector<Value>& items, const SchemaType& type,
              bool conversions) {
  return std::all_of(items.begin(), items.end(),
                     [&](const Value& item) { return fits(m, item, type, conversions); });
}

bool fits(const Machine& m, const Value& value, const SchemaType& type, bool conversions) {
  if (value.is<Poison>()) return true;
  const bool number = value.is<Dim>() || value.is<Float>();
  switch (type.kind) {
    case Kind::tensor:
      return value.is<TensorRef>() ||
             (conversions && (number || value.is<Bool>() || value.is<Complex>()));
    case Kind::integer:
      return value.is<Dim>() || (conversions && (value.is<TensorRef>() || value.is<Bool>()));
    case Kind::floating:
      return value.is<Float>() || (conversions && (number || value.is<TensorRef>()));
    case Kind::boolean:
      return value.is<Bool>() || (conversions && (value.is<TensorRef>() || value.is<Dim>()));
    case Kind::complex:
      return value.is<Complex>();
    case Kind::number:
      return number || value.is<Complex>() || value.is<Bool>() ||
             (conversions && value.is<TensorRef>());
    case Kind::string:
      return value.is<std::string>();
    case Kind::device:
      return value.is<Device>() || (conversions && value.is<std::string>());
    case Kind::generator:
    case Kind::none:
      return value.is_none();
    case Kind::optional:
      return value.is_none() || fits(m, value, type.inner[0], conversions);
    case Kind::list: {
      if (m.is_sequence(value)) return true;
      if (type.fixed_size > 0 && fits(m, value, type.inner[0], false)) return true;
      const auto* items = m.items(value);
      return items != nullptr && (value.is<ListRef>() || conversions) &&
             fits_all(m, *items, type.inner[0], conversions);
    }
    case Kind::dict: {
      const DictRef* dict = value.get<DictRef>();
      if (dict == nullptr) return false;
      const auto& items = m.state.dicts[dict->id].items;
      return items.empty() || type.inner.empty() ||
             fits(m, items[0].first, type.inner[0], conversions);
    }
    case Kind::tuple:
      return value.is<TupleRef>();
    default:
      return true;
  }
}

// Brings a value that fits to the form that the type promises.
Value conform(Machine& m, Value value, const SchemaType& type) {
  const SchemaType& inner = type.is(Kind::optional) && !value.is_none() ? type.inner[0] : type;
  if (inner.is(Kind::list) && inner.fixed_size > 0 && m.items(value) == nullptr &&
      !value.is_none()) {
    return m.list(std::vector<Value>(static_cast<size_t>(inner.fixed_size), value));
  }
  if (inner.is(Kind::tensor) && !value.is<TensorRef>() && !value.is_none() && !value.is<Poison>()) {
    if (const Dim* d = value.get<Dim>()) return m.known_tensor(DType::i64, {}, {*d}, true);
    if (const Bool* b = value.get<Bool>(); b && b->is_known())
      return m.known_tensor(DType::boolean, {}, {b->kind == Bool::Kind::yes}, true);
    if (const Float* f = value.get<Float>(); f && f->is_known())
      return m.known_tensor(DType::f64, {}, {f->known}, true);
    if (value.is<Complex>()) {
      if (auto parts = m.scalar_value(value, DType::c128)) {
        const Value made = m.tensor(*parts, true);
        AbstractTensor out = **made.get<TensorRef>();
        out.wrapped = true;
        return std::make_shared<const AbstractTensor>(std::move(out));
      }
    }
  }
  return value;
}

class DefaultReader {
 public:
  DefaultReader(Machine& m, std::string_view text) : m_(m), text_(text) {}
  Value read() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ >= text_.size()) return {};
    if (text_[at_] == '[' || text_[at_] == '(') {
      ++at_;
      std::vector<Value> items;
      while (at_ < text_.size() && text_[at_] != ']' && text_[at_] != ')') {
        items.push_back(read());
        while (at_ < text_.size() && (text_[at_] == ',' || text_[at_] == ' ')) ++at_;
      }
      ++at_;
      return m_.list(std::move(items));
    }
    if (text_[at_] == '"' || text_[at_] == '\'') {
      const size_t close = text_.find(text_[at_], at_ + 1);
      std::string inner(text_.substr(at_ + 1, close - at_ - 1));
      at_ = close == std::string_view::npos ? text_.size() : close + 1;
      return inner;
    }
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != ']' && text_[at_] != ')') ++at_;
    return word(std::string(text_.substr(start, at_ - start)));
  }

 private:
  static Value word(const std::string& text) {
    if (text == "None") return {};
    if (text == "True" || text == "False") return Value::boolean(text == "True");
    if (text == "contiguous_format" || text == "strided") return Value::integer(0);
    if (text == "Mean") return Value::integer(1);
    if (text == "long") return Value::integer(4);
    if (text == "inf" || text == "-inf")
      return Value::number(text[0] == '-' ? -std::numeric_limits<double>::infinity()
                                          : std::numeric_limits<double>::infinity());
    if (text.find_first_of(".eE") != std::string::npos)
      return Value::number(std::strtod(text.c_str(), nullptr));
    return Value::integer(std::strtoll(text.c_str(), nullptr, 10));
  }
  Machine& m_;
  std::string_view text_;
  size_t at_ = 0;
};

bool poisoned(const Machine& m, const std::vector<Value>& values, std::string& reason) {
  for (const Value& value : values) {
    if (const Poison* p = value.get<Poison>()) return reason = p->reason, true;
    if (const auto* items = m.items(value); items && poisoned(m, *items, reason)) return true;
  }
  return false;
}

const Builtin* find_builtin(const Schema& schema) {
  static const std::unordered_map<std::string_view, const Builtin*> table = [] {
    std::unordered_map<std::string_view, const Builtin*> all;
    for (auto entries :
         {python_builtins(), list_builtins(), string_builtins(), view_builtins(), copy_builtins(),
          place_view_builtins(), tensor_builtins(), complex_builtins(), quantised_builtins(),
          layer_builtins(), recurrent_builtins(), mobile_builtins()}) {
      for (const Builtin& entry : entries) all[entry.name] = &entry;
    }
    return all;
  }();
  if (auto it = table.find(schema.full_name()); it != table.end()) return it->second;
  const bool numbers =
      std::all_of(schema.arguments.begin(), schema.arguments.end(), [](const SchemaArgument& a) {
        return a.type.is(Kind::integer) || a.type.is(Kind::floating) || a.type.is(Kind::number) ||
               a.type.is(Kind::boolean);
      });
  if (numbers) {
    if (auto it = table.find(schema.name + ".#"); it != table.end()) return it->second;
  }
  auto it = table.find(schema.name + ".*");
  return it == table.end() ? nullptr : it->second;
}

// The view that view_copy, unbind_copy, ... copy.
struct CopiedView {
  const Schema* view = nullptr;
  const Builtin* builtin = nullptr;  // null: the operator is no such copy
};
CopiedView find_copied_view(const Schema& schema) {
  constexpr std::string_view kCopy = "_copy";
  if (!schema.name.ends_with(kCopy)) return {};
  const std::string name = schema.name.substr(0, schema.name.size() - kCopy.size());
  const Schema* view = find_overload(name, schema.overload);
  if (view == nullptr || view->arguments.size() != schema.arguments.size()) return {};
  return {view, find_builtin(*view)};
}

// The view, and memory of its own for each tensor that it gives.
Result<Value> copy_view(Machine& m, const CopiedView& copied, std::vector<Value>& arguments) {
  const Value made = TRY(copied.builtin->run(m, *copied.view, arguments));
  if (made.is<Poison>()) return made;
  if (made.is<TensorRef>()) return copy_tensor(m, made);
  std::vector<Value> copies;
  for (const Value& part : TRY(m.iterate(made))) copies.push_back(TRY(copy_tensor(m, part)));
  return m.list(std::move(copies));
}

// Whether something computes this very overload.
bool is_usable(const Schema& schema, const Lowerings& lowerings) {
  return find_builtin(schema) != nullptr || lowerings.find(schema) != nullptr ||
         lowerings.find_complex(schema) != nullptr || find_copied_view(schema).builtin != nullptr;
}

}  // namespace

Lowerings::Lowerings(std::span<const Lowering* const> all) {
  for (const Lowering* lowering : all) {
    if (lowering->takes != Takes::complex) real_.emplace(std::string(lowering->name), lowering);
    if (lowering->takes != Takes::real) complex_.emplace(std::string(lowering->name), lowering);
  }
}

const Lowering* Lowerings::find(const Table& table, const Schema& schema) {
  if (auto it = table.find(schema.full_name()); it != table.end()) return it->second;
  auto it = table.find(schema.name + ".*");
  return it == table.end() ? nullptr : it->second;
}

bool can_convert(const Schema& schema, const Lowerings& lowerings) {
  if (is_usable(schema, lowerings)) return true;
  const bool out = !schema.arguments.empty() && schema.arguments.back().written &&
                   schema.arguments.back().keyword_only;
  std::string functional = schema.name;
  if (!out && functional.ends_with("_") && !functional.ends_with("__"))
    functional.pop_back();
  else if (!out)
    return false;
  for (const Schema& other : find_schemas(functional)) {
    if (&other != &schema && other.name == functional && is_usable(other, lowerings)) return true;
  }
  return false;
}

Result<std::vector<Value>> Machine::bind(const Schema& schema, const std::vector<Value>& positional,
                                         const std::vector<std::pair<std::string, Value>>& keywords,
                                         bool conversions) {
  auto no = [&](std::string why) {
    return fail(ErrorKind::bad_file, "the arguments do not fit " + schema.full_name(),
                std::move(why));
  };
  std::vector<Value> out;
  size_t next = 0, used = 0;
  for (const SchemaArgument& argument : schema.arguments) {
    const Value* given = nullptr;
    if (next < positional.size() && !argument.keyword_only) given = &positional[next++];
    if (given == nullptr) {
      for (const auto& [name, value] : keywords) {
        if (name == argument.name) given = &value, ++used;
      }
    }
    if (given == nullptr) {
      if (!argument.default_text) return no(argument.name + " is missing");
      out.push_back(
          conform(*this, DefaultReader(*this, *argument.default_text).read(), argument.type));
      continue;
    }
    if (!fits(*this, *given, argument.type, conversions))
      return no(fmt::format("{} is of kind {}, not {}", argument.name, given->kind(),
                            argument.type.name));
    out.push_back(conform(*this, *given, argument.type));
  }
  if (schema.variadic) {
    out.insert(out.end(),
               positional.begin() + static_cast<ptrdiff_t>(std::min(next, positional.size())),
               positional.end());
  } else if (next < positional.size() || used < keywords.size()) {
    return no("there are too many");
  }
  return out;
}

Result<Value> Machine::call(const std::string& name, std::vector<Value> positional,
                            std::vector<std::pair<std::string, Value>> keywords) {
  const auto schemas = find_schemas(name);
  if (schemas.empty()) {
    std::string reason;
    if (poisoned(*this, positional, reason)) return Poison{reason};
    return unsupported("unknown operator " + name,
                       "PyTorch itself has no operator of this name: it is a custom operator",
                       "map it with --map FILE.py, or register it with a plugin (--plugin LIB.so)");
  }
  for (const bool conversions : {false, true}) {
    for (const Schema& schema : schemas) {
      if (auto arguments = bind(schema, positional, keywords, conversions))
        return call_overload(schema, std::move(*arguments));
    }
  }
  std::string kinds;
  for (const Value& value : positional) kinds += (kinds.empty() ? "" : ", ") + value.kind();
  return fail(ErrorKind::bad_file, "no overload of " + name + " fits its arguments",
              "they are (" + kinds + ")",
              "the file may come from a newer PyTorch than Tenon knows");
}

// Whether an argument is complex, or a complex result is asked for.
static bool is_complex_value(const Machine& m, const Value& value) {
  if (const TensorRef* t = value.get<TensorRef>()) return is_complex((*t)->dtype);
  const auto* items = m.items(value);
  return value.is<Complex>() ||
         (items && std::any_of(items->begin(), items->end(),
                               [&](const Value& item) { return is_complex_value(m, item); }));
}
static bool is_complex_call(const Machine& m, const Schema& schema,
                            const std::vector<Value>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (is_complex_value(m, arguments[i])) return true;
    const Dim* n = arguments[i].get<Dim>();
    if (n && n->is_constant() && i < schema.arguments.size() &&
        schema.arguments[i].name == "dtype" && is_complex(dtype_of_scalar_type(*n->constant())))
      return true;
  }
  return false;
}

Result<Value> Machine::call_overload(const Schema& schema, std::vector<Value> arguments) {
  std::string reason;
  const Builtin* builtin = find_builtin(schema);
  const bool container = builtin != nullptr && schema.name != "aten::Int" &&
                         !schema.arguments.empty() && !schema.arguments[0].type.is(Kind::tensor);
  const bool lost = !arguments.empty() && arguments[0].is<Poison>();  // the container itself
  if ((!container || lost) && poisoned(*this, arguments, reason)) {
    if (schema.returns.size() <= 1) return Poison{reason};
    return Value::tuple(std::vector<Value>(schema.returns.size(), Poison{reason}));
  }
  if (auto made = TRY(call_quantised(*this, schema, arguments))) return std::move(*made);
  for (const Value& argument : arguments) {
    if (builtin || !is_sequence(argument)) continue;
    const bool stacked = schema.name == "aten::stack";
    if (&argument == &arguments[0] && (stacked || schema.full_name() == "aten::cat"))
      return join_sequence(ListData(state.lists[argument.get<ListRef>()->id]), arguments[1],
                           stacked);
    return fail(ErrorKind::unsupported, schema.full_name() + " of a list cannot be converted",
                "data decides how long the list is", "join it with torch.cat or torch.stack first");
  }
  if (builtin) return builtin->run(*this, schema, arguments);
  if (const CopiedView copied = find_copied_view(schema); copied.builtin != nullptr)
    return copy_view(*this, copied, arguments);
  if (auto known = TRY(known_arithmetic(*this, schema, arguments))) return std::move(*known);
  const bool complex = is_complex_call(*this, schema, arguments);
  if (const Lowering* lowering =
          complex ? lowerings_->find_complex(schema) : lowerings_->find(schema))
    return lower(schema, *lowering, arguments);
  const bool writes = std::any_of(schema.arguments.begin(), schema.arguments.end(),
                                  [](const auto& a) { return a.written; });
  if (writes) return in_place(schema, arguments);
  return missing(schema, arguments);
}

Result<Value> Machine::missing(const Schema& schema, const std::vector<Value>& arguments) {
  const bool complex = is_complex_call(*this, schema, arguments);
  Value poison =
      unsupported("unsupported operator " + schema.full_name(),
                  complex ? "ONNX has no complex tensors, and Tenon does not compute this operator "
                            "from real and imaginary parts"
                          : "Tenon has no lowering for it yet",
                  "write it with supported operators, or map it with --map FILE.py");
  if (schema.returns.size() <= 1) return poison;
  return Value::tuple(std::vector<Value>(schema.returns.size(), poison));
}

Result<Value> Machine::lower(const Schema& schema, const Lowering& lowering,
                             std::vector<Value>& arguments) {
  LowerContext context(*this, schema, arguments);
  ir::Value* result = lowering.lower(context);
  if (auto refusal = context.take_refusal()) {
    problems.push_back(*refusal);
    const Poison poison{refusal->what};
    (void)builder.status();
    if (schema.returns.size() <= 1) return poison;
    return Value::tuple(std::vector<Value>(schema.returns.size(), poison));
  }
  TRY(builder.status());
  if (context.results.empty()) context.results = {result};
  return wrap_results(schema, context, keeps_strides(arguments));
}

// Whether an argument is not contiguous: elementwise operators then give a result that is not
// either. Which of the others do is not known here.
bool Machine::keeps_strides(const std::vector<Value>& arguments) const {
  return std::any_of(arguments.begin(), arguments.end(), [&](const Value& value) {
    if (const TensorRef* t = value.get<TensorRef>())
      return (*t)->strides_unsure || !is_contiguous(**t);
    const auto* inner = items(value);
    return inner != nullptr && keeps_strides(*inner);
  });
}

// Operators of PyTorch that give an undefined tensor, which is None in programs, for what the call
// did not ask for.
static bool gives_undefined(const Schema& schema) {
  return schema.name == "aten::_native_multi_head_attention";
}

Result<Value> Machine::wrap_results(const Schema& schema, const LowerContext& context,
                                    bool strides_unsure) {
  const std::vector<ir::Value*>& values = context.results;
  // A result that a lowering leaves out matters only where the program uses it.
  auto wrap = [&](ir::Value* value) -> Value {
    if (value == nullptr && gives_undefined(schema)) return {};
    if (value == nullptr)
      return Poison{fmt::format("Tenon does not compute this result of {}", schema.full_name())};
    Value made = tensor(value, context.is_complex_result(value));
    if (!strides_unsure || value->rank().value_or(0) < 2) return made;
    AbstractTensor out = **made.get<TensorRef>();
    out.strides_unsure = true;
    return std::make_shared<const AbstractTensor>(std::move(out));
  };
  const bool list = schema.returns.size() == 1 && schema.returns[0].type.is(Kind::list);
  if (schema.returns.size() == 1 && !list) return wrap(values[0]);
  std::vector<Value> out;
  for (ir::Value* value : values) out.push_back(wrap(value));
  return list ? this->list(std::move(out)) : Value::tuple(std::move(out));
}

Result<Value> Machine::in_place(const Schema& schema, std::vector<Value>& arguments) {
  // foo_(self!, ...) is self.copy_(foo(self, ...)); foo(..., out!) is out.copy_(foo(...)).
  std::vector<Value> inputs;
  std::vector<size_t> targets;
  const bool out_variant = schema.arguments.back().written && schema.arguments.back().keyword_only;
  std::string name = schema.name;
  if (!out_variant) {
    if (!name.ends_with("_")) return missing(schema, arguments);
    name.pop_back();
  }
  std::vector<std::pair<std::string, Value>> keywords;
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    if (schema.arguments[i].written) targets.push_back(i);
    if (out_variant && schema.arguments[i].written) continue;
    if (schema.arguments[i].keyword_only)
      keywords.emplace_back(schema.arguments[i].name, arguments[i]);
    else
      inputs.push_back(arguments[i]);
  }
  const auto schemas = find_schemas(name);
  const Schema* functional = out_variant ? nullptr : find_overload(name, schema.overload);
  // normal_ has a form without writing under another name: normal makes tensors of other arguments.
  if (!functional && !out_variant)
    functional = find_overload(name + "_functional", schema.overload);
  auto usable = [&](const Schema& s) { return is_usable(s, *lowerings_); };
  if (functional && !usable(*functional)) return missing(schema, arguments);
  if (!functional && std::none_of(schemas.begin(), schemas.end(),
                                  [&](const Schema& s) { return &s != &schema && usable(s); }))
    return missing(schema, arguments);
  Value result;
  if (functional)
    result = TRY(call_overload(*functional, TRY(bind(*functional, inputs, keywords, true))));
  else
    result = TRY(call(name, inputs, keywords));
  if (result.is<Poison>()) return result;
  const auto* several = items(result);
  for (size_t i = 0; i < targets.size(); ++i) {
    const TensorRef* target = arguments[targets[i]].get<TensorRef>();
    const Value& from = several && i < several->size() ? (*several)[i] : result;
    const TensorRef* source = from.get<TensorRef>();
    if (target == nullptr || source == nullptr) return missing(schema, arguments);
    TRY(write(**target, TRY(read_as(**source, (*target)->dtype))));
  }
  return targets.size() == 1 ? arguments[targets[0]] : result;
}

}  // namespace tenon::torch
