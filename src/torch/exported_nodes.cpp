#include "torch/exported_nodes.h"

#include <fmt/format.h>

#include <algorithm>

#include "torch/lowering.h"

namespace tenon::torch {

using exported::Argument;
using AK = Argument::Kind;

namespace {

std::vector<std::pair<std::string, Value>> named_only(
    const Schema& schema, size_t positional,
    const std::vector<std::pair<std::string, Value>>& given) {
  // A name given twice, by position and by name, is not the program's; drop names that the schema
  // lacks.
  std::vector<std::pair<std::string, Value>> out;
  for (const auto& [name, value] : given) {
    for (size_t i = positional; i < schema.arguments.size(); ++i) {
      if (schema.arguments[i].name == name) out.emplace_back(name, value);
    }
  }
  return out;
}

}  // namespace

std::unexpected<Error> ExportedNodes::fail_at(const exported::Node& node, std::string what,
                                              std::string why, std::string hint) const {
  return m_.fail(ErrorKind::unsupported, std::move(what),
                 fmt::format("{} (node {})", why, node.name), std::move(hint));
}

Result<Value> ExportedNodes::lookup(const std::string& name, const Env& env) {
  if (auto it = env.find(name); it != env.end()) return it->second;
  if (auto it = program_.graph.sym_ints.find(name); it != program_.graph.sym_ints.end())
    return it->second.dim;
  return m_.fail(ErrorKind::bad_file, "the program is damaged",
                 fmt::format("the value '{}' is used before it is made", name),
                 "export and save it again");
}

Result<Value> ExportedNodes::convert(const Argument& a, const Env& env) {
  switch (a.kind) {
    case AK::none:
      return Value();
    case AK::tensor:
    case AK::sym_int:
    case AK::sym_float:
    case AK::sym_bool:
      return lookup(a.text, env);
    case AK::integer:
      return Value::integer(a.integer);
    case AK::real:
      return Value::number(a.real);
    case AK::complex:
      return Complex{a.real, a.imaginary};
    case AK::boolean:
      return Value::boolean(a.integer != 0);
    case AK::string:
      return a.text;
    case AK::dtype:
      return Value::integer(scalar_type_of_dtype(a.dtype));
    case AK::memory_format:
      return Value::integer(
          a.integer == static_cast<int64_t>(exported::MemoryFormat::channels_last) ? 2 : 0);
    case AK::layout:
      return Value::integer(0);
    case AK::device:
      return Device{a.text};
    case AK::list: {
      std::vector<Value> items;
      for (const Argument& item : a.items) items.push_back(TRY(convert(item, env)));
      return m_.list(std::move(items));
    }
    case AK::dict: {
      DictData data;
      for (size_t i = 0; i < a.items.size(); ++i)
        data.items.emplace_back(a.keys[i], TRY(convert(a.items[i], env)));
      return DictRef{m_.state.dicts.add(std::move(data))};
    }
    case AK::graph:
    case AK::custom_object:
    case AK::operation:
      return Poison{fmt::format("'{}' is no value that Tenon computes with", a.text)};
  }
  return Value();
}

// A result that is a list has a name for each of its items.
void ExportedNodes::bind(const Argument& to, const Value& value, Env& env) {
  if (!to.text.empty()) env[to.text] = value;
  const auto* items = m_.items(value);
  for (size_t i = 0; i < to.items.size(); ++i) {
    if (value.is<Poison>())
      bind(to.items[i], value, env);
    else if (items && i < items->size())
      bind(to.items[i], (*items)[i], env);
  }
}

Status ExportedNodes::bind_outputs(const exported::Node& node, const Value& result, Env& env) {
  if (node.outputs.empty()) return {};
  if (node.outputs.size() == 1 && !node.outputs[0].is(AK::list)) {
    const auto* items = m_.items(result);
    bind(node.outputs[0],
         items && items->size() == 1 && node.outputs[0].is(AK::tensor) ? (*items)[0] : result, env);
    return {};
  }
  const bool list = node.outputs.size() == 1;
  const std::vector<Argument>& targets = list ? node.outputs[0].items : node.outputs;
  const auto* items = m_.items(result);
  for (size_t i = 0; i < targets.size(); ++i) {
    if (result.is<Poison>())
      bind(targets[i], result, env);
    else if (items && i < items->size())
      bind(targets[i], (*items)[i], env);
    else if (!targets[i].is(AK::none))
      return fail_at(node, "an operator gave fewer results than the program names", node.target);
  }
  return {};
}

Status ExportedNodes::run(const exported::Node& node, Env& env) {
  m_.builder.set_origin(node.origin);
  if (node.target.starts_with("torch.ops.higher_order.")) return higher_order(node, env);
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
  for (const exported::NamedArgument& a : node.inputs) {
    Value value = TRY(convert(a.value, env));
    if (a.name.empty())
      positional.push_back(std::move(value));
    else
      keywords.emplace_back(a.name, std::move(value));
  }
  if (!node.target.starts_with("torch.ops.")) {
    return bind_outputs(
        node, TRY(python_operator(node, std::move(positional), std::move(keywords))), env);
  }
  // torch.ops.aten.add.Tensor
  const std::string path = node.target.substr(10);
  const size_t first = path.find('.'), last = path.rfind('.');
  if (first == std::string::npos || last == first)
    return fail_at(node, "an operator's name is not understood", node.target);
  const std::string name = path.substr(0, first) + "::" + path.substr(first + 1, last - first - 1);
  const Schema* schema = find_overload(name, path.substr(last + 1));
  if (schema == nullptr) {
    std::vector<Value> all = positional;
    for (auto& [key, value] : keywords) all.push_back(value);
    return bind_outputs(node, TRY(m_.call(name, std::move(all))), env);
  }
  // Every argument is named; those before the first left out one may as well be positional.
  auto bound =
      TRY(m_.bind(*schema, positional, named_only(*schema, positional.size(), keywords), true));
  return bind_outputs(node, TRY(m_.call_overload(*schema, std::move(bound))), env);
}

// `_operator.add`, `math.ceil`, `torch.sym_max`: on symbolic numbers.
Result<Value> ExportedNodes::python_operator(const exported::Node& node,
                                             std::vector<Value> arguments,
                                             std::vector<std::pair<std::string, Value>> keywords) {
  for (auto& [name, value] : keywords) arguments.push_back(std::move(value));
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"add", "aten::add"},
      {"sub", "aten::sub"},
      {"mul", "aten::mul"},
      {"truediv", "aten::div"},
      {"floordiv", "aten::floordiv"},
      {"mod", "aten::remainder"},
      {"pow", "aten::pow"},
      {"neg", "aten::neg"},
      {"eq", "aten::eq"},
      {"ne", "aten::ne"},
      {"lt", "aten::lt"},
      {"le", "aten::le"},
      {"gt", "aten::gt"},
      {"ge", "aten::ge"},
      {"and_", "aten::__and__"},
      {"or_", "aten::__or__"},
      {"not_", "aten::__not__"},
      {"ceil", "aten::ceil"},
      {"floor", "aten::floor"},
      {"round", "aten::round"},
      {"trunc", "aten::Int"},
      {"sym_max", "prim::max"},
      {"sym_min", "prim::min"},
      {"sym_int", "aten::Int"},
      {"sym_float", "aten::Float"},
      {"sym_not", "aten::__not__"},
      {"sym_sqrt", "aten::sqrt"},
      {"_sym_sqrt", "aten::sqrt"},
      {"getitem", "aten::__getitem__"},
      {"int", "aten::Int"},
      {"float", "aten::Float"}};
  const std::string name = node.target.substr(node.target.rfind('.') + 1);
  for (const auto& [python, op] : kNames) {
    if (name != python) continue;
    if (op == "aten::Int" && !arguments.empty()) return TRY(m_.to_int(arguments[0]));
    if (op == "aten::Float" && !arguments.empty()) return TRY(m_.to_float(arguments[0]));
    return m_.call(std::string(op), std::move(arguments));
  }
  if (node.target.starts_with("torch._functorch."))
    return m_.unsupported("unsupported operator " + node.target,
                          "it is what torch.vmap, or associative_scan of combine_mode 'generic', "
                          "leaves in an exported program",
                          "write the batch dimension out, or use combine_mode='pointwise'");
  return m_.unsupported("unsupported operator " + node.target,
                        "Tenon knows no such function on numbers");
}

Status ExportedNodes::bind_several(const exported::Node& node, std::vector<Value> values,
                                   Env& env) {
  return bind_outputs(node, m_.list(std::move(values)), env);
}

// Every operator of the program that nothing can convert, with how often it occurs.
void collect_unknown(Machine& m, const exported::Graph& graph, const Lowerings& lowerings) {
  for (const exported::Node& node : graph.nodes) {
    for (const exported::NamedArgument& a : node.inputs) {
      if (a.value.graph) collect_unknown(m, *a.value.graph, lowerings);
    }
    if (!node.target.starts_with("torch.ops.") ||
        node.target.starts_with("torch.ops.higher_order."))
      continue;
    const std::string path = node.target.substr(10);
    const size_t first = path.find('.'), last = path.rfind('.');
    if (first == std::string::npos || last == first) continue;
    const std::string name =
        path.substr(0, first) + "::" + path.substr(first + 1, last - first - 1);
    const Schema* schema = find_overload(name, path.substr(last + 1));
    if (schema && can_convert(*schema, lowerings)) continue;
    m.builder.set_origin(node.origin);
    if (schema)
      m.unsupported("unsupported operator " + schema->full_name(),
                    "Tenon has no lowering for it yet",
                    "write it with supported operators, or map it with --map FILE.py");
    else
      m.unsupported("unknown operator " + name,
                    "PyTorch itself has no operator of this name: it is a custom operator",
                    "map it with --map FILE.py, or register it with a plugin (--plugin LIB.so)");
  }
}

}  // namespace tenon::torch
