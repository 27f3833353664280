#include <fmt/format.h>

#include <cstdlib>
#include <limits>

#include "torch/interpreter.h"
#include "torch/observers.h"
#include "torch/upgraders.h"

namespace tenon::torch {

using script::Expr;
using K = Expr::Kind;

namespace {

const Expr& root_of(const Expr& e) { return e.is(K::attribute) ? root_of(e.kids[0]) : e; }

bool is_namespace(const std::string& name) {
  return name == "torch" || name == "ops" || name == "__torch__" || name == "CONSTANTS" ||
         name == "prim" || name == "aten";
}

}  // namespace

Result<Value> Interpreter::eval(const Expr& e, Call& call) {
  const auto* constants = traces_ ? traces_->find(e) : nullptr;
  if (constants == nullptr) return eval_untraced(e, call);
  const ir::OriginRef outer = m_.builder.origin();
  locate(call, e.offset);
  std::vector<Shape> at_hand;
  for (const auto& [name, local] : call.locals) {
    if (const TensorRef* t = local.get<TensorRef>()) at_hand.push_back((*t)->sizes);
  }
  auto value = generaliser_->value(*constants, at_hand);
  if (!value) {
    // All of them are reported at once.
    m_.problems.push_back(std::move(value).error());
    value = eval_untraced(e, call);
  }
  m_.builder.set_origin(outer);
  return value;
}

// As one trace alone has it.
Result<Value> Interpreter::eval_untraced(const Expr& e, Call& call) {
  TRY(check_stack());
  switch (e.kind) {
    case K::none:
      return Value();
    case K::name:
      return eval_name(e, call);
    case K::integer:
      return Value::integer(std::strtoll(e.text.c_str(), nullptr, 0));
    case K::floating:
      if (!e.text.empty() && e.text.back() == 'j')
        return Complex{0, std::strtod(e.text.c_str(), nullptr)};
      return Value::number(std::strtod(e.text.c_str(), nullptr));
    case K::string:
      return e.text;
    case K::fstring: {
      std::string out;
      for (const Expr& kid : e.kids) out += m_.to_text(TRY(eval(kid, call)));
      return out;
    }
    case K::constant:
      if (e.text == "True" || e.text == "False") return Value::boolean(e.text == "True");
      return Value();
    case K::attribute:
      return eval_attribute(e, call);
    case K::call:
      return eval_call(e, call);
    case K::subscript:
      return eval_subscript(e, call);
    case K::list:
    case K::tuple: {
      std::vector<Value> items;
      for (const Expr& kid : e.kids) items.push_back(TRY(eval(kid, call)));
      Value made = e.is(K::list) ? m_.list(std::move(items)) : Value::tuple(std::move(items));
      TRY(m_.may_hold({}, made));
      return made;
    }
    case K::dict: {
      DictData data;
      for (size_t i = 0; i + 1 < e.kids.size(); i += 2) {
        Value key = TRY(eval(e.kids[i], call));
        data.items.emplace_back(std::move(key), TRY(eval(e.kids[i + 1], call)));
        TRY(m_.may_hold({}, data.items.back().second));
      }
      return DictRef{m_.state.dicts.add(std::move(data))};
    }
    case K::unary:
    case K::binary:
    case K::compare:
    case K::boolean:
      return eval_infix(e, call);
    case K::conditional: {
      const Bool condition = TRY(m_.to_bool(TRY(eval(e.kids[1], call))));
      if (auto decided = m_.decide(condition)) return eval(e.kids[*decided ? 0 : 2], call);
      locate(call, e.offset);
      return m_.fail(ErrorKind::unsupported, "a conditional expression depends on data",
                     "at " + source_line(call, e.offset), "write it as an if statement");
    }
    case K::comprehension: {
      std::vector<Value> out;
      for (const Value& item : TRY(m_.iterate(TRY(eval(e.kids[2], call))))) {
        TRY(count_step());
        TRY(assign(e.kids[1], item, call));
        bool keep = true;
        for (size_t i = 3; i < e.kids.size(); ++i) {
          auto decided = m_.decide(TRY(m_.to_bool(TRY(eval(e.kids[i], call)))));
          if (!decided)
            return m_.fail(ErrorKind::unsupported, "the length of a list depends on data",
                           "at " + source_line(call, e.offset));
          keep = keep && *decided;
        }
        if (keep) out.push_back(TRY(eval(e.kids[0], call)));
      }
      return m_.list(std::move(out));
    }
    case K::slice:
    case K::star:
    case K::set:
      break;
  }
  locate(call, e.offset);
  return m_.fail(ErrorKind::unsupported, "an expression is not supported",
                 "at " + source_line(call, e.offset));
}

// An Optional whose presence is known here.
Value Interpreter::settled(const Value& value) const {
  const Maybe* maybe = value.get<Maybe>();
  if (maybe == nullptr) return value;
  const auto present = m_.decide(maybe->present);
  return present ? (*present ? *maybe->value : Value()) : value;
}

Result<Value> Interpreter::eval_name(const Expr& e, Call& call) {
  if (auto it = call.locals.find(e.text); it != call.locals.end()) return settled(it->second);
  if (e.text == "inf") return Value::number(std::numeric_limits<double>::infinity());
  if (e.text == "nan") return Value::number(std::numeric_limits<double>::quiet_NaN());
  if (is_namespace(e.text)) return Callable{e.text, nullptr};
  locate(call, e.offset);
  return m_.fail(ErrorKind::bad_file, fmt::format("'{}' has no value", e.text),
                 "at " + source_line(call, e.offset));
}

Result<Value> Interpreter::attribute(const Value& object, const std::string& name) {
  if (const ObjectRef* ref = object.get<ObjectRef>()) {
    const ObjectData& data = m_.state.objects[ref->id];
    if (auto it = data.attributes.find(name); it != data.attributes.end())
      return settled(it->second);
    // A class constant: `batch_first : Final[bool] = True`.
    const FoundClass found = TRY(program_.find_class(data.type));
    if (found.definition) {
      for (const script::ClassAttribute& a : found.definition->attributes) {
        if (a.name != name || a.value.is(K::none)) continue;
        Call constants{*found.file, script::Function{}, {}, "", nullptr, 0, 0};
        return eval(a.value, constants);
      }
    }
    return m_.fail(ErrorKind::bad_file, fmt::format("an object has no attribute '{}'", name),
                   "its class is " + data.type);
  }
  if (const TupleRef* tuple = object.get<TupleRef>()) {
    for (size_t i = 0; i < (*tuple)->names.size(); ++i) {
      if ((*tuple)->names[i] == name) return (*tuple)->items[i];
    }
    // A member of an enumeration, whose class knows its name.
    const FoundClass found = TRY(program_.find_class((*tuple)->type));
    if (name == "name" && found.definition && found.definition->base == "Enum") {
      for (const script::ClassAttribute& a : found.definition->attributes) {
        Call constants{*found.file, script::Function{}, {}, "", nullptr, 0, 0};
        if (same(TRY(eval(a.value, constants)), (*tuple)->items[0])) return a.name;
      }
    }
  }
  if (object.is<TensorRef>()) {
    if (name == "shape") return m_.call("aten::size", {object});
    if (name == "T") return m_.call("aten::numpy_T", {object});
    if (name == "ndim") return m_.call("aten::dim", {object});
    if (!find_schemas("prim::" + name).empty()) return m_.call("prim::" + name, {object});
  }
  if (const Poison* p = object.get<Poison>()) return Poison{p->reason};
  return m_.fail(ErrorKind::bad_file, fmt::format("a value has no attribute '{}'", name),
                 "it is of kind " + object.kind());
}

Result<Value> Interpreter::eval_attribute(const Expr& e, Call& call) {
  const Expr& root = root_of(e);
  if (root.is(K::name) && is_namespace(root.text) && !call.locals.contains(root.text)) {
    const std::string name = dotted(e);
    if (name.starts_with("CONSTANTS.c")) {
      const size_t index = std::strtoull(name.c_str() + 11, nullptr, 10);
      if (index < constants_.size()) return constants_[index];
      return m_.fail(ErrorKind::bad_file, "a constant is missing",
                     name + " is not in constants.pkl");
    }
    if (const size_t dot = name.rfind('.'); name.starts_with("__torch__.")) {
      // A constant of a class, such as a member of an enumeration.
      const FoundClass found = TRY(program_.find_class(name.substr(0, dot)));
      if (found.definition) {
        for (const script::ClassAttribute& a : found.definition->attributes) {
          if (a.name != name.substr(dot + 1) || a.value.is(K::none)) continue;
          Value constant = TRY(eval(a.value, call));
          return found.definition->base == "Enum"
                     ? enum_member(name.substr(0, dot), std::move(constant))
                     : constant;
        }
      }
    }
    return Callable{name, nullptr};
  }
  const Value object = TRY(eval(e.kids[0], call));
  auto found = attribute(object, e.text);
  if (!found) {
    locate(call, e.offset);
    return fail(with_where(found.error(), ir::where(m_.builder.origin())));
  }
  return found;
}

Result<Value> Interpreter::eval_call(const Expr& e, Call& call) {
  const Expr& callee = e.kids[0];
  const Expr& root = root_of(callee);
  const bool named = root.is(K::name) && !call.locals.contains(root.text);
  const std::string name = named ? dotted(callee) : std::string();
  // Forms whose first argument is a type, not a value.
  if (name == "annotate" || name == "unchecked_cast") {
    Value value = e.kids.size() > 2 ? TRY(eval(e.kids[2], call)) : Value();
    // A tensor that is taken for a number.
    if (value.is<TensorRef>() && e.kids[1].is(K::name)) {
      const std::string& type = e.kids[1].text;
      if (type == "number") return TRY(m_.call("aten::ScalarImplicit", {std::move(value)}));
      if (type == "int") return TRY(m_.to_int(value));
      if (type == "float") return TRY(m_.to_float(value));
    }
    // The program has asked whether the value is there.
    if (const Maybe* maybe = value.get<Maybe>(); maybe && name == "unchecked_cast")
      return *maybe->value;
    return value;
  }
  if (name == "uninitialized") return Poison{"a variable is used before it has a value", true};
  if (name == "isinstance" && e.kids.size() == 3) {
    const Value value = TRY(eval(e.kids[1], call));
    const Expr& types = e.kids[2];
    const std::string_view text = call.file.text.text();
    const Maybe* maybe = value.get<Maybe>();  // None, or this, as data decides
    bool any = false, none = false;
    auto check = [&](const Expr& type) {
      const SchemaType parsed = parse_type(text.substr(type.offset, type.end - type.offset));
      any = any || is_instance(maybe ? *maybe->value : value, parsed);
      none = none || is_instance(Value(), parsed);
    };
    if (types.is(K::tuple) || types.is(K::list)) {
      for (const Expr& type : types.kids) check(type);
    } else {
      check(types);
    }
    if (maybe && any != none) return any ? maybe->present : m_.negate(maybe->present);
    return Value::boolean(any);
  }
  Value object;
  if (!named) {
    if (callee.is(K::attribute))
      object = TRY(eval(callee.kids[0], call));
    else
      object = TRY(eval(callee, call));
  }
  std::vector<Value> arguments;
  std::vector<std::pair<std::string, Value>> keywords;
  for (size_t i = 1; i < e.kids.size(); ++i) {
    if (e.kids[i].is(K::star)) {
      for (const Value& item : TRY(m_.iterate(TRY(eval(e.kids[i].kids[0], call)))))
        arguments.push_back(item);
      continue;
    }
    Value value = TRY(eval(e.kids[i], call));
    if (e.keywords[i - 1].empty())
      arguments.push_back(std::move(value));
    else
      keywords.emplace_back(e.keywords[i - 1], std::move(value));
  }
  locate(call, e.offset);
  if (named) return call_named(name, e, call, std::move(arguments), std::move(keywords));
  if (const Callable* function = object.get<Callable>()) {
    const std::string target =
        callee.is(K::attribute) ? function->name + "." + callee.text : function->name;
    return call_named(target, e, call, std::move(arguments), std::move(keywords));
  }
  const std::string method = callee.is(K::attribute) ? callee.text : "forward";
  if (const ObjectRef* ref = object.get<ObjectRef>()) {
    const FoundFunction found = TRY(find_method(object, method));
    if (found.definition == nullptr)
      return m_.fail(ErrorKind::bad_file, fmt::format("an object has no method '{}'", method),
                     "its class is " + m_.state.objects[ref->id].type);
    if (is_observer(m_.state.objects[ref->id].type)) {
      const auto self = call.locals.find("self");
      const ObjectRef* caller = self == call.locals.end() ? nullptr : self->second.get<ObjectRef>();
      const std::string type = caller ? m_.state.objects[caller->id].type : "";
      if (auto given = observed(m_, type, method, arguments, program_.traced())) return *given;
    }
    const std::string& module = m_.state.objects[ref->id].module;
    arguments.insert(arguments.begin(), object);
    return call_function(found, std::move(arguments), std::move(keywords), &call, e.offset,
                         module.empty() ? call.module : module);
  }
  if (const Poison* p = object.get<Poison>()) return Poison{p->reason};
  arguments.insert(arguments.begin(), object);
  const bool primitive = find_schemas("aten::" + method).empty();
  return call_operator((primitive ? "prim::" : "aten::") + method, std::move(arguments),
                       std::move(keywords));
}

Result<Value> Interpreter::call_operator(const std::string& op, std::vector<Value> arguments,
                                         std::vector<std::pair<std::string, Value>> keywords) {
  TRY(upgrade_call(m_, program_.archive().version(), op, arguments, keywords));
  return m_.call(op, std::move(arguments), std::move(keywords));
}

Result<Value> Interpreter::call_named(const std::string& name, const Expr& e, Call& call,
                                      std::vector<Value> arguments,
                                      std::vector<std::pair<std::string, Value>> keywords) {
  if (name.starts_with("torch.") && name.find('.', 6) == std::string::npos) {
    const std::string op = name.substr(6);
    const std::string aten = "aten::" + op;
    if (literals_) literals_->note(m_, aten, e, arguments);
    const bool primitive = find_schemas(aten).empty() && !find_schemas("prim::" + op).empty();
    return call_operator(primitive ? "prim::" + op : aten, std::move(arguments),
                         std::move(keywords));
  }
  if (name.starts_with("ops.")) {
    const size_t dot = name.find('.', 4);
    if (dot != std::string::npos) {
      const std::string op = name.substr(4, dot - 4) + "::" + name.substr(dot + 1);
      if (op == "prim::RaiseException") raised_ = true;
      return m_.call(op, std::move(arguments), std::move(keywords));
    }
  }
  if (name.starts_with("__torch__.")) {
    if (name.ends_with(".__new__"))
      return ObjectRef{m_.state.objects.add(
          {.type = name.substr(0, name.size() - 8), .module = {}, .attributes = {}})};
    const FoundFunction found = TRY(program_.find_function(name));
    if (found.definition)
      return call_function(found, std::move(arguments), std::move(keywords), &call, e.offset,
                           call.module);
    return construct(name, std::move(arguments), std::move(keywords), call, e.offset);
  }
  if (name == "range") {
    Shape bounds;
    for (const Value& a : arguments) bounds.push_back(TRY(m_.to_int(a)));
    if (bounds.size() == 1) return Range{0, bounds[0], 1};
    if (bounds.size() == 2) return Range{bounds[0], bounds[1], 1};
    if (bounds.size() == 3) return Range{bounds[0], bounds[1], bounds[2]};
  }
  if (name == "getattr" && arguments.size() >= 2)
    return attribute(arguments[0], m_.to_text(arguments[1]));
  if (name == "hasattr" && arguments.size() == 2)
    return Value::boolean(attribute(arguments[0], m_.to_text(arguments[1])).has_value());
  static constexpr std::pair<std::string_view, std::string_view> kPython[] = {
      {"int", "aten::Int"},   {"float", "aten::Float"}, {"bool", "aten::Bool"},
      {"str", "aten::str"},   {"len", "aten::len"},     {"abs", "prim::abs"},
      {"min", "prim::min"},   {"max", "prim::max"},     {"round", "aten::round"},
      {"list", "aten::list"}, {"print", "prim::Print"}, {"dict", "aten::dict"}};
  for (const auto& [python, op] : kPython) {
    if (name != python) continue;
    if (op == "aten::Int" && arguments.size() == 1 && arguments[0].is<Dim>()) return arguments[0];
    if (op == "aten::Float" && arguments.size() == 1 && arguments[0].is<std::string>()) {
      const std::string& text = *arguments[0].get<std::string>();
      return Value::number(std::strtod(text.c_str(), nullptr));
    }
    if (op == "aten::Float" && arguments.size() == 1 && !arguments[0].is<TensorRef>())
      return TRY(m_.to_float(arguments[0]));
    if (op == "aten::Bool" && arguments.size() == 1) return TRY(m_.to_bool(arguments[0]));
    if (op == "aten::dict" && arguments.empty()) return DictRef{m_.state.dicts.add({})};
    return m_.call(std::string(op), std::move(arguments), std::move(keywords));
  }
  // Python's own functions: sorted, ord, hex.
  if (name.find('.') == std::string::npos && !find_schemas("aten::" + name).empty())
    return m_.call("aten::" + name, std::move(arguments), std::move(keywords));
  return m_.fail(ErrorKind::bad_file, fmt::format("'{}' cannot be called", name),
                 "at " + source_line(call, e.offset), "it is no function of TorchScript");
}

Result<Value> Interpreter::construct(const std::string& type, std::vector<Value> arguments,
                                     std::vector<std::pair<std::string, Value>> keywords,
                                     Call& call, uint32_t offset) {
  const FoundClass found = TRY(program_.find_class(type));
  if (found.definition == nullptr)
    return m_.fail(ErrorKind::bad_file, "a name is not defined",
                   type + " is in none of the program's files");
  if (found.definition->base == "NamedTuple") {
    TupleData data{std::move(arguments), {}, type};
    for (const script::ClassAttribute& a : found.definition->attributes)
      data.names.push_back(a.name);
    for (size_t i = data.items.size(); i < data.names.size(); ++i) {
      Value value;
      for (const auto& [name, given] : keywords) {
        if (name == data.names[i]) value = given;
      }
      data.items.push_back(std::move(value));
    }
    return std::make_shared<const TupleData>(std::move(data));
  }
  const Value object =
      ObjectRef{m_.state.objects.add({.type = type, .module = {}, .attributes = {}})};
  const FoundFunction init = TRY(find_method(object, "__init__"));
  if (init.definition) {
    arguments.insert(arguments.begin(), object);
    TRY(call_function(init, std::move(arguments), std::move(keywords), &call, offset, call.module));
  }
  return object;
}

bool Interpreter::is_instance(const Value& value, const SchemaType& type) const {
  using T = SchemaType::Kind;
  switch (type.kind) {
    case T::tensor:
      return value.is<TensorRef>();
    case T::integer:
      return value.is<Dim>();
    case T::floating:
      return value.is<Float>();
    case T::boolean:
      return value.is<Bool>();
    case T::string:
      return value.is<std::string>();
    case T::none:
      return value.is_none();
    case T::optional:
      return value.is_none() || is_instance(value, type.inner[0]);
    case T::list: {
      if (!value.is<ListRef>()) return false;
      if (type.inner.empty()) return true;
      if (m_.is_sequence(value))
        return is_instance(m_.state.lists[value.get<ListRef>()->id].sample, type.inner[0]);
      const auto* items = m_.items(value);
      return items->empty() || is_instance((*items)[0], type.inner[0]);
    }
    case T::tuple:
      return value.is<TupleRef>();
    case T::dict:
      return value.is<DictRef>();
    case T::object: {
      if (const ObjectRef* ref = value.get<ObjectRef>())
        return m_.state.objects[ref->id].type == type.name;
      const TupleRef* tuple = value.get<TupleRef>();
      return tuple && (*tuple)->type == type.name;
    }
    default:
      return false;
  }
}

Result<Value> Interpreter::eval_infix(const Expr& e, Call& call) {
  if (e.is(K::boolean)) {
    const Value left = TRY(eval(e.kids[0], call));
    const Bool a = TRY(m_.to_bool(left));
    if (auto decided = m_.decide(a)) {
      if (*decided != (e.text == "and")) return left;
      return eval(e.kids[1], call);
    }
    const Value right = TRY(eval(e.kids[1], call));
    return m_.call(e.text == "and" ? "aten::__and__" : "aten::__or__",
                   {Value(a), Value(TRY(m_.to_bool(right)))});
  }
  std::vector<Value> operands;
  for (const Expr& kid : e.kids) operands.push_back(TRY(eval(kid, call)));
  locate(call, e.offset);
  if (e.is(K::unary)) {
    if (e.text == "+") return operands[0];
    return m_.call(e.text == "-"   ? "aten::neg"
                   : e.text == "~" ? "aten::bitwise_not"
                                   : "aten::__not__",
                   std::move(operands));
  }
  static constexpr std::pair<std::string_view, std::string_view> kOperators[] = {
      {"+", "aten::add"},
      {"-", "aten::sub"},
      {"*", "aten::mul"},
      {"/", "aten::div"},
      {"//", "aten::floordiv"},
      {"%", "aten::remainder"},
      {"**", "aten::pow"},
      {"@", "aten::matmul"},
      {"&", "aten::__and__"},
      {"|", "aten::__or__"},
      {"^", "aten::__xor__"},
      {"==", "aten::eq"},
      {"!=", "aten::ne"},
      {"<", "aten::lt"},
      {"<=", "aten::le"},
      {">", "aten::gt"},
      {">=", "aten::ge"},
      {"is", "aten::__is__"},
      {"is_not", "aten::__isnot__"},
      {"in", "aten::__contains__"},
      {"not_in", "aten::__contains__"}};
  for (const auto& [infix, op] : kOperators) {
    if (e.text != infix) continue;
    if (infix == "//" && operands[0].is<TensorRef>())
      return m_.call("aten::floor_divide", std::move(operands));
    if (infix == "in" || infix == "not_in") std::swap(operands[0], operands[1]);
    const Value found = TRY(m_.call(std::string(op), std::move(operands)));
    if (infix != "not_in") return found;
    return m_.call("aten::__not__", {found});
  }
  return m_.fail(ErrorKind::unsupported, "an operator is not supported", e.text);
}

Result<Value> Interpreter::eval_subscript(const Expr& e, Call& call) {
  const Value object = TRY(eval(e.kids[0], call));
  if (e.kids.size() != 2) {
    locate(call, e.offset);
    return m_.fail(ErrorKind::unsupported, "an index is not supported",
                   "several indices at " + source_line(call, e.offset));
  }
  if (e.kids[1].is(K::slice)) {
    std::vector<Value> arguments{object};
    for (const Expr& bound : e.kids[1].kids) arguments.push_back(TRY(eval(bound, call)));
    if (arguments[3].is_none()) arguments[3] = Value::integer(1);
    locate(call, e.offset);
    if (object.is<TensorRef>()) arguments.insert(arguments.begin() + 1, Value::integer(0));
    return m_.call("aten::slice", std::move(arguments));
  }
  const Value index = TRY(eval(e.kids[1], call));
  locate(call, e.offset);
  if (object.is<TensorRef>() && index.is<Dim>())
    return m_.call("aten::select", {object, Value::integer(0), index});
  if (object.is<ObjectRef>()) {
    // A module of a ModuleList or a ModuleDict.
    if (const std::string* key = index.get<std::string>()) return attribute(object, *key);
    int64_t position = TRY(m_.to_constant_int(index, "the index of a module list"));
    if (position < 0) {  // from the end: its modules are called 0, 1, 2...
      const auto& held = m_.state.objects[object.get<ObjectRef>()->id].attributes;
      for (int64_t i = 0; held.contains(std::to_string(i)); ++i) ++position;
    }
    return attribute(object, std::to_string(position));
  }
  return m_.call("aten::__getitem__", {object, index});
}

}  // namespace tenon::torch
