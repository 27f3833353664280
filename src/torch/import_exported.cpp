// Walks an exported program. Its nodes name full overloads; they go through the same operators as
// TorchScript's calls.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "torch/exported/program.h"
#include "torch/import.h"
#include "torch/module_state.h"
#include "torch/views.h"

namespace tenon::torch {
namespace {

using exported::Argument;
using AK = Argument::Kind;

class Walker {
 public:
  Walker(Machine& m, const exported::Program& program, const ImportOptions& options)
      : m_(m), program_(program), options_(options) {}

  // With the state in `slots` as inputs and outputs beside the program's own; `before` is the state
  // that the program begins with.
  Status run(std::vector<StateSlot>& slots, State& before) {
    ir::Graph& graph = m_.builder.graph();
    for (const auto& [name, range] : program_.ranges) {
      graph.symbols.push_back({.name = name, .range = range});
    }
    TRY(make_inputs());
    prune_symbols();
    enter_state(m_, slots);
    bind_symbols(graph);
    before = m_.state;
    for (const exported::Node& node : program_.graph.nodes) TRY(run_node(node, env_));
    return outputs();
  }

 private:
  using Env = std::map<std::string, Value>;

  std::unexpected<Error> fail_at(const exported::Node& node, std::string what, std::string why,
                                 std::string hint = {}) const {
    return m_.fail(ErrorKind::unsupported, std::move(what),
                   fmt::format("{} (node {})", why, node.name), std::move(hint));
  }

  Result<Value> weight(const archive::StoredTensor& stored, const std::string& name) {
    std::string key = stored.storage_key + fmt::format("/{}", stored.offset);
    for (int64_t d : stored.sizes) key += fmt::format(",{}", d);
    for (int64_t d : stored.strides) key += fmt::format(";{}", d);
    if (auto it = shared_.find(key); it != shared_.end() && !stored.storage_key.empty())
      return it->second;
    Tensor data = TRY(archive::materialize(stored, program_.where(name)));
    const Value made = m_.parameter(
        std::move(data), stored.contiguous() ? Shape{} : ir::to_shape(stored.strides), name);
    shared_[key] = made;
    return made;
  }

  Status make_inputs() {
    std::vector<std::string> names;
    size_t sample = 0;
    for (const exported::InputSpec& spec : program_.inputs) {
      using K = exported::InputSpec::Kind;
      const std::string& value = spec.arg.text;
      switch (spec.kind) {
        case K::parameter:
        case K::buffer:
        case K::tensor_constant: {
          auto found = program_.weights.find(spec.target);
          const bool constant = found == program_.weights.end();
          if (constant) found = program_.constants.find(spec.target);
          if (constant && found == program_.constants.end()) {
            return m_.fail(ErrorKind::bad_file,
                           fmt::format("the weights of '{}' are missing", spec.target),
                           "the program names them and the file does not hold them",
                           "export and save the program again");
          }
          env_[value] = TRY(weight(found->second, spec.target));
          kept_[spec.target] = env_[value];
          break;
        }
        case K::constant:
          env_[spec.name] = TRY(convert(spec.arg, env_));
          ++sample;
          break;
        case K::custom_object:
        case K::token:
          env_[value] = Poison{fmt::format("'{}' is a custom object", spec.target)};
          break;
        case K::user_input: {
          ++sample;
          if (!spec.arg.is(AK::tensor)) {
            env_[spec.name.empty() ? value : spec.name] = TRY(convert(spec.arg, env_));
            if (spec.arg.is(AK::sym_int)) TRY(scalar_input(spec, names));
            break;
          }
          const auto meta = program_.graph.tensors.find(value);
          if (meta == program_.graph.tensors.end())
            return m_.fail(ErrorKind::bad_file,
                           fmt::format("the input '{}' has no description", value),
                           "the program is damaged", "export and save it again");
          ir::Graph& graph = m_.builder.graph();
          const size_t position = names.size();
          const InputForm recorded{meta->second.dtype, meta->second.sizes};
          for (const Dim& d : recorded.shape) hint(d, position, sample - 1);
          const InputForm form = TRY(input_form(graph, value, position, recorded, options_));
          for (size_t i = 0; i < form.shape.size(); ++i) {
            const bool was_fixed = recorded.shape[i].is_constant();
            if (was_fixed && !(form.shape[i] == recorded.shape[i])) {
              return m_.fail(
                  ErrorKind::usage,
                  fmt::format("dimension {} of the input '{}' is fixed in this program", i, value),
                  fmt::format("it was exported with size {}", recorded.shape[i].str()),
                  "export it with dynamic_shapes for this dimension");
            }
          }
          names.push_back(value);
          env_[value] = input_tensor(
              m_, position < options_.input_names.size() ? options_.input_names[position] : value,
              form);
          break;
        }
      }
    }
    return check_names(options_, names);
  }

  // An int argument of the program that was exported as dynamic: a scalar input.
  Status scalar_input(const exported::InputSpec& spec, std::vector<std::string>& names) {
    const auto found = program_.graph.sym_ints.find(spec.arg.text);
    if (found == program_.graph.sym_ints.end() || found->second.dim.symbol_name().empty())
      return {};
    const std::string name = spec.name.empty() ? spec.arg.text : spec.name;
    ir::Value* input = m_.builder.graph().add_input(name, ir::Type::tensor(DType::i64, Shape{}));
    if (ir::Symbol* symbol = m_.builder.graph().find_symbol(found->second.dim.symbol_name())) {
      symbol->source = input;
      symbol->axis = -1;
    }
    env_[spec.arg.text] = found->second.dim;
    names.push_back(name);
    return {};
  }

  // The size that a symbol had at export is the one to optimise for.
  void hint(const Dim& dim, size_t, size_t sample) {
    ir::Symbol* symbol = m_.builder.graph().find_symbol(dim.symbol_name());
    if (symbol == nullptr) {
      if (!dim.symbol_name().empty())
        m_.builder.graph().symbols.push_back(
            {.name = dim.symbol_name(), .range = {0, ir::Interval::kMax}});
      return;
    }
    if (symbol->opt || sample >= program_.samples.size() || !program_.samples[sample].tensor)
      return;
    const auto& spec = program_.inputs;
    size_t at = 0;
    for (const exported::InputSpec& input : spec) {
      if (input.kind != exported::InputSpec::Kind::user_input &&
          input.kind != exported::InputSpec::Kind::constant)
        continue;
      if (at++ != sample) continue;
      const auto meta = program_.graph.tensors.find(input.arg.text);
      if (meta == program_.graph.tensors.end()) return;
      for (size_t i = 0;
           i < meta->second.sizes.size() && i < program_.samples[sample].tensor->sizes.size();
           ++i) {
        const int64_t size = program_.samples[sample].tensor->sizes[i];
        if (meta->second.sizes[i] == dim && size >= symbol->range.min && size <= symbol->range.max)
          symbol->opt = size;
      }
    }
  }

  // Symbols that no input has (any more) are not part of the graph.
  void prune_symbols() {
    std::map<std::string, int> used;
    for (const ir::Value* input : m_.builder.graph().inputs()) {
      for (const Dim& d : *input->shape()) d.collect_symbols(used);
    }
    std::erase_if(m_.builder.graph().symbols, [&](const ir::Symbol& s) {
      return !used.contains(s.name) && s.source == nullptr;
    });
  }

  Result<Value> lookup(const std::string& name, const Env& env) {
    if (auto it = env.find(name); it != env.end()) return it->second;
    if (auto it = program_.graph.sym_ints.find(name); it != program_.graph.sym_ints.end())
      return it->second.dim;
    return m_.fail(ErrorKind::bad_file, "the program is damaged",
                   fmt::format("the value '{}' is used before it is made", name),
                   "export and save it again");
  }

  Result<Value> convert(const Argument& a, const Env& env) {
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
  void bind(const Argument& to, const Value& value, Env& env) {
    if (!to.text.empty()) env[to.text] = value;
    const auto* items = m_.items(value);
    for (size_t i = 0; i < to.items.size(); ++i) {
      if (value.is<Poison>())
        bind(to.items[i], value, env);
      else if (items && i < items->size())
        bind(to.items[i], (*items)[i], env);
    }
  }

  Status bind_outputs(const exported::Node& node, const Value& result, Env& env) {
    if (node.outputs.empty()) return {};
    if (node.outputs.size() == 1 && !node.outputs[0].is(AK::list)) {
      const auto* items = m_.items(result);
      bind(node.outputs[0],
           items && items->size() == 1 && node.outputs[0].is(AK::tensor) ? (*items)[0] : result,
           env);
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

  Status run_node(const exported::Node& node, Env& env) {
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
    const std::string name =
        path.substr(0, first) + "::" + path.substr(first + 1, last - first - 1);
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

  static std::vector<std::pair<std::string, Value>> named_only(
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

  // `_operator.add`, `math.ceil`, `torch.sym_max`: on symbolic numbers.
  Result<Value> python_operator(const exported::Node& node, std::vector<Value> arguments,
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
    return m_.unsupported("unsupported operator " + node.target,
                          "Tenon knows no such function on numbers");
  }

  // Runs a subgraph in place with these arguments.
  Result<std::vector<Value>> inline_graph(const exported::Graph& graph,
                                          const std::vector<Value>& arguments) {
    Env env;
    for (size_t i = 0; i < graph.inputs.size() && i < arguments.size(); ++i)
      env[graph.inputs[i].text] = arguments[i];
    for (const exported::Node& node : graph.nodes) TRY(run_node(node, env));
    std::vector<Value> out;
    for (const Argument& a : graph.outputs) out.push_back(TRY(convert(a, env)));
    return out;
  }

  Status higher_order(const exported::Node& node, Env& env) {
    const std::string op = node.target.substr(23);
    if (op == "with_effects") return with_effects(node, env);
    std::vector<const exported::Graph*> graphs;
    std::vector<Value> arguments;
    for (const exported::NamedArgument& a : node.inputs) {
      if (a.value.graph)
        graphs.push_back(a.value.graph.get());
      else if (graphs.size() > 0 || op == "cond")
        arguments.push_back(TRY(convert(a.value, env)));
    }
    if (op.starts_with("wrap_with") && !graphs.empty())
      return bind_several(node, TRY(inline_graph(*graphs[0], arguments)), env);
    if (op == "cond" && graphs.size() == 2) {
      // cond(predicate, true_graph, false_graph, operands): the operands may come as one list.
      const Value predicate = arguments[0];
      std::vector<Value> operands(arguments.begin() + 1, arguments.end());
      if (operands.size() == 1 && m_.items(operands[0])) operands = TRY(m_.iterate(operands[0]));
      return conditional(node, predicate, *graphs[0], *graphs[1], operands, env);
    }
    if (op == "while_loop" && graphs.size() == 2 && arguments.size() == 2)
      return loop(node,
                  {.test = graphs[0],
                   .body = graphs[1],
                   .carried = TRY(m_.iterate(arguments[0])),
                   .scanned = {},
                   .shared = TRY(m_.iterate(arguments[1]))},
                  env);
    if (op == "scan" && graphs.size() == 1 && arguments.size() == 3)
      return loop(node,
                  {.test = nullptr,
                   .body = graphs[0],
                   .carried = TRY(m_.iterate(arguments[0])),
                   .scanned = TRY(m_.iterate(arguments[1])),
                   .shared = TRY(m_.iterate(arguments[2]))},
                  env);
    if (op.starts_with("map") && graphs.size() == 1 && arguments.size() == 2)
      return loop(node,
                  {.test = nullptr,
                   .body = graphs[0],
                   .carried = {},
                   .scanned = TRY(m_.iterate(arguments[0])),
                   .shared = TRY(m_.iterate(arguments[1]))},
                  env);
    const Value poison = m_.unsupported("unsupported operator " + node.target,
                                        "Tenon converts cond, while_loop, scan and map",
                                        "export the program without it");
    return bind_several(node, std::vector<Value>(std::max<size_t>(node.outputs.size(), 1), poison),
                        env);
  }

  // with_effects(token, operator, arguments): a call that the token keeps in its place. Nodes are
  // run in the program's order here, so the token itself says nothing.
  Status with_effects(const exported::Node& node, Env& env) {
    if (node.inputs.size() < 2 || node.outputs.empty() || !node.inputs[1].value.is(AK::operation))
      return fail_at(node, "a call with effects names no operator", node.target);
    exported::Node call = node;
    call.target = node.inputs[1].value.text;
    call.inputs.erase(call.inputs.begin(), call.inputs.begin() + 2);
    call.outputs.erase(call.outputs.begin());
    env[node.outputs[0].text] = Value();
    return run_node(call, env);
  }

  Status bind_several(const exported::Node& node, std::vector<Value> values, Env& env) {
    return bind_outputs(node, m_.list(std::move(values)), env);
  }

  // while_loop, scan and map: values that each iteration changes, tensors of which it takes a row,
  // and what all of them share. The body gives the changed values and, after them, what is stacked.
  struct LoopParts {
    const exported::Graph* test;  // of while_loop; null where the rows say how often
    const exported::Graph* body;
    std::vector<Value> carried, scanned, shared;
  };

  static std::vector<Value> joined(std::vector<Value> a, const std::vector<Value>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  Result<ir::Value*> tested(const LoopParts& parts, const std::vector<Value>& carried) {
    const auto verdict = TRY(inline_graph(*parts.test, joined(carried, parts.shared)));
    if (verdict.size() != 1) return m_.fail(ErrorKind::bad_file, "a loop's test is damaged", "");
    return m_.bool_value(TRY(m_.to_bool(verdict[0])));
  }

  Result<ir::Value*> in_graph(const Value& value) {
    const TensorRef* t = value.get<TensorRef>();
    if (t && is_complex((*t)->dtype))
      return m_.fail(ErrorKind::unsupported, "a loop over complex tensors cannot be converted",
                     "ONNX has no complex numbers", "use torch.view_as_real");
    return m_.scalar_value(value, t ? (*t)->dtype : value.is<Float>() ? DType::f64 : DType::i64);
  }

  Status loop(const exported::Node& node, const LoopParts& parts, Env& env) {
    ir::Graph& graph = m_.builder.graph();
    ir::Value* trip = nullptr;
    if (parts.test == nullptr) {
      const TensorRef* rows = parts.scanned.empty() ? nullptr : parts.scanned[0].get<TensorRef>();
      if (rows == nullptr || (*rows)->sizes.empty())
        return fail_at(node, "a loop has no rows to go over", node.target);
      trip = m_.builder.dim((*rows)->sizes[0]);
    }
    ir::Value* go_on =
        parts.test ? TRY(tested(parts, parts.carried)) : m_.builder.scalar(1, DType::boolean);
    std::vector<ir::Value*> inputs{trip, go_on};
    for (const Value& value : parts.carried) inputs.push_back(TRY(in_graph(value)));
    std::vector<ir::Value*> scanned;
    for (const Value& value : parts.scanned) scanned.push_back(TRY(in_graph(value)));
    TRY(m_.builder.status());
    ir::Node* made = graph.add_node("", "Loop", {}, inputs, 0, node.origin);
    ir::Graph& body = *graph.add_subgraph(made, "body");
    ir::Value* iteration = body.add_input("iteration", ir::Type::tensor(DType::i64, Shape{}));
    body.add_input("condition_in", ir::Type::tensor(DType::boolean, Shape{}));
    // The body is pure: what it writes to are its own copies.
    const State before = m_.state;
    m_.builder.enter(body);
    const auto run = [&]() -> Status {
      std::vector<Value> values;
      for (size_t i = 0; i < parts.carried.size(); ++i)
        values.push_back(m_.tensor(body.add_input("carried", inputs[i + 2]->type)));
      std::vector<Value> arguments = values;
      for (ir::Value* rows : scanned)
        arguments.push_back(
            m_.tensor(m_.builder.emit_with("Gather", {{"axis", int64_t{0}}}, {rows, iteration})));
      const auto results = TRY(inline_graph(*parts.body, joined(arguments, parts.shared)));
      if (results.size() < values.size())
        return fail_at(node, "a loop's body gives too few values", node.target);
      const std::vector<Value> next(results.begin(),
                                    results.begin() + static_cast<ptrdiff_t>(values.size()));
      ir::Value* again =
          parts.test ? TRY(tested(parts, next)) : m_.builder.scalar(1, DType::boolean);
      body.add_output(m_.builder.emit_named("Identity", {again}));
      for (const Value& value : results)
        body.add_output(m_.builder.emit_named("Identity", {TRY(in_graph(value))}));
      return m_.builder.status();
    };
    const Status ran = run();
    m_.builder.enter(graph);
    m_.state = before;
    TRY(ran);
    for (size_t i = 1; i < body.outputs().size(); ++i) graph.add_node_output(made);
    TRY(ir::infer(*made, m_.builder.ops()));
    std::vector<Value> out;
    for (ir::Value* value : made->outputs()) out.push_back(m_.tensor(value));
    return bind_several(node, std::move(out), env);
  }

  Status conditional(const exported::Node& node, const Value& predicate,
                     const exported::Graph& on_true, const exported::Graph& on_false,
                     const std::vector<Value>& operands, Env& env) {
    const Bool condition = TRY(m_.to_bool(predicate));
    if (auto decided = m_.decide(condition))
      return bind_several(node, TRY(inline_graph(*decided ? on_true : on_false, operands)), env);
    ir::Graph& graph = m_.builder.graph();
    ir::Node* made = graph.add_node("", "If", {}, {TRY(m_.bool_value(condition))}, 0, node.origin);
    std::vector<std::vector<Shape>> shapes;
    std::vector<DType> types;
    std::vector<bool> complex;
    // Branches of cond are pure: what they write to are their own copies.
    for (const auto& [name, side] :
         {std::pair("then_branch", &on_true), std::pair("else_branch", &on_false)}) {
      ir::Graph& sub = *graph.add_subgraph(made, name);
      const State before = m_.state;
      m_.builder.enter(sub);
      auto results = inline_graph(*side, operands);
      std::vector<Shape> forms;
      types.clear();
      complex.clear();
      if (results) {
        for (const Value& value : *results) {
          auto read = m_.scalar_value(
              value, value.is<TensorRef>() ? (*value.get<TensorRef>())->dtype : DType::i64);
          if (!read) {
            results = std::unexpected(read.error());
            break;
          }
          sub.add_output(m_.builder.emit_named("Identity", {*read}));
          forms.push_back((*read)->shape().value_or(Shape{}));
          complex.push_back(value.is<TensorRef>() && is_complex((*value.get<TensorRef>())->dtype));
          types.push_back((*read)->dtype());
        }
      }
      m_.builder.enter(graph);
      m_.state = before;
      if (!results) return std::unexpected(std::move(results).error());
      shapes.push_back(std::move(forms));
    }
    TRY(m_.builder.status());
    m_.builder.forget_others();
    std::vector<Value> out;
    for (size_t i = 0; i < shapes[0].size() && i < shapes[1].size(); ++i) {
      graph.add_node_output(made);
      ir::Value* output = made->outputs().back();
      Shape merged = shapes[0][i];
      for (size_t k = 0; k < merged.size() && k < shapes[1][i].size(); ++k) {
        if (merged[k] == shapes[1][i][k]) continue;
        merged[k] = graph.fresh_symbol("merged");
        ir::Symbol* entry = graph.find_symbol(merged[k].symbol_name());
        entry->source = output;
        entry->axis = static_cast<int>(k);
      }
      output->type = ir::Type::tensor(types[i], merged);
      out.push_back(m_.tensor(output, complex[i]));
    }
    return bind_several(node, std::move(out), env);
  }

  // Names of a dict's entries, from the module's pytree of outputs; empty where the output is no
  // dict.
  std::vector<std::string> output_keys() const {
    std::vector<std::string> keys;
    if (program_.modules.empty() || program_.modules[0].out_spec.empty()) return keys;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    const simdjson::padded_string text(program_.modules[0].out_spec);
    if (parser.parse(text).get(root)) return keys;
    simdjson::dom::array pair;
    simdjson::dom::element tree = root;
    if (!root.get(pair) && pair.size() == 2) tree = pair.at(1);
    std::string_view type, context;
    if (tree["type"].get(type) || (type.find("dict") == std::string_view::npos &&
                                   type.find("Dict") == std::string_view::npos))
      return keys;
    if (tree["context"].get(context)) return keys;
    simdjson::dom::parser inner;
    simdjson::dom::array names;
    const simdjson::padded_string context_text{std::string(context)};
    if (inner.parse(context_text).get(names)) return keys;
    for (simdjson::dom::element name : names) {
      std::string_view key;
      if (name.get(key)) return {};
      keys.emplace_back(key);
    }
    return keys;
  }

  Status outputs() {
    std::vector<Value> results;
    for (const exported::OutputSpec& spec : program_.outputs) {
      using K = exported::OutputSpec::Kind;
      if (spec.kind == K::user_output || spec.kind == K::loss) {
        results.push_back(TRY(convert(spec.arg, env_)));
      } else if (spec.kind == K::buffer_mutation || spec.kind == K::parameter_mutation) {
        TRY(keep(spec));
      }
    }
    const std::vector<std::string> keys = output_keys();
    Value result;
    if (keys.size() == results.size() && !keys.empty()) {
      DictData data;
      for (size_t i = 0; i < keys.size(); ++i) data.items.emplace_back(keys[i], results[i]);
      result = DictRef{m_.state.dicts.add(std::move(data))};
    } else {
      result = results.size() == 1 ? results[0] : Value::tuple(std::move(results));
    }
    TRY(add_outputs(m_, result, options_));
    return written_inputs();
  }

  // A buffer's new value, which a program without in-place operators gives as an output.
  Status keep(const exported::OutputSpec& spec) {
    auto buffer = kept_.find(spec.target);
    const Value value = TRY(convert(spec.arg, env_));
    const TensorRef* made = value.get<TensorRef>();
    if (buffer == kept_.end() || made == nullptr) return {};
    const TensorRef& to = *buffer->second.get<TensorRef>();
    if ((*made)->storage == to->storage && !(*made)->view) return {};
    return m_.write(*to, TRY(m_.read(**made)));
  }

  // An input that the program writes to comes out as an output of its own, NAME_out. The signature
  // tells of it only after run_decompositions(); before, the writes are operators.
  Status written_inputs() {
    std::map<std::string, Value> written;
    for (const exported::InputSpec& spec : program_.inputs) {
      auto given = env_.find(spec.arg.text);
      const TensorRef* t = given == env_.end() ? nullptr : given->second.get<TensorRef>();
      if (spec.kind == exported::InputSpec::Kind::user_input && t &&
          m_.state.storages[(*t)->storage].version > 0)
        written[spec.arg.text] = given->second;
    }
    for (const exported::OutputSpec& spec : program_.outputs) {
      if (spec.kind == exported::OutputSpec::Kind::user_input_mutation)
        written[spec.target] = TRY(convert(spec.arg, env_));
    }
    for (const auto& [name, value] : written) {
      const TensorRef* t = value.get<TensorRef>();
      if (t == nullptr) continue;
      if (!options_.keep_state) {
        m_.notices.push_back(
            {fmt::format("the program writes to its input '{}', which stays as it was given", name),
             {}});
        continue;
      }
      ir::Value* out = m_.builder.emit_named("Identity", {TRY(m_.read(**t))});
      out->name = name + "_out";
      m_.builder.graph().add_output(out);
    }
    return m_.builder.status();
  }

  Machine& m_;
  const exported::Program& program_;
  const ImportOptions& options_;
  Env env_;
  std::map<std::string, Value> shared_;
  std::map<std::string, Value> kept_;  // weights, by their names in the module
};

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

}  // namespace

Result<Imported> import_exported(const std::string& path, const ImportOptions& options,
                                 const ir::OpSet& ops, const Lowerings& lowerings) {
  return import_exported(TRY(exported::read_program(path)), path, options, ops, lowerings);
}

Result<Imported> import_exported(const exported::Program& program, const std::string& path,
                                 const ImportOptions& options, const ir::OpSet& ops,
                                 const Lowerings& lowerings) {
  if (options.method != "forward") {
    return fail({.kind = ErrorKind::usage,
                 .what = "an exported program has one method",
                 .where = {.file = path},
                 .why = "--method names " + options.method,
                 .hint = "leave --method out"});
  }
  if (!options.also_traced_at.empty()) {
    return fail({.kind = ErrorKind::usage,
                 .what = "an exported program is no trace",
                 .where = {.file = path},
                 .why = "it keeps what depends on sizes; there is nothing to compare",
                 .hint = "leave --also-traced-at out"});
  }
  return with_state(options, path, [&](std::vector<StateSlot>& slots) -> Result<Evaluation> {
    Evaluation out;
    out.machine = std::make_unique<Machine>(*out.graph, ops, lowerings, options.mode);
    Machine& m = *out.machine;
    m.kernels = options.kernels;
    collect_unknown(m, program.graph, lowerings);
    if (!m.problems.empty()) return fail(report_problems(m, path).error());
    Walker walker(m, program, options);
    if (auto ok = walker.run(slots, out.before); !ok)
      return fail(with_where(ok.error(), {.file = path}));
    TRY(report_problems(m, path));
    return out;
  });
}

}  // namespace tenon::torch
