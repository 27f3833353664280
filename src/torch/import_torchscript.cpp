#include <fmt/format.h>

#include <algorithm>

#include "archive/detect.h"
#include "torch/import.h"
#include "torch/interpreter.h"
#include "torch/module_state.h"
#include "torch/script/parser.h"

namespace tenon::torch {
namespace {

using Kind = SchemaType::Kind;

// Gives the method's parameters their values: tensors become inputs of the graph.
class Inputs {
 public:
  // `traces`: of the module, where there are several; or null.
  Inputs(Machine& m, const Program& program, const ImportOptions& options, const Traces* traces)
      : m_(m), program_(program), options_(options), traces_(traces) {}

  Status read_recorded() {
    if (!program_.traced()) return {};
    pickle_ = TRY(program_.archive().pickled_program("traced_inputs.pkl"));
    const pickle::Value* methods = &archive::untagged(pickle_->root());
    if (methods->is(pickle::Kind::dict)) recorded_ = methods->get(options_.method);
    if (recorded_) recorded_ = &archive::untagged(*recorded_);
    return {};
  }

  Result<Value> make(const std::string& name, const SchemaType& type, bool has_default,
                     size_t index) {
    const pickle::Value* recorded = nullptr;
    if (recorded_ && index < recorded_->items.size())
      recorded = &archive::untagged(*recorded_->items[index]);
    if (auto set = options_.settings.find(name); set != options_.settings.end())
      return setting(set->second, type, name);
    const bool optional = type.is(Kind::optional);
    const SchemaType& inner = optional ? type.inner[0] : type;
    const bool asked = std::any_of(
        options_.shapes.begin(), options_.shapes.end(),
        [&](const InputSpec& s) { return s.name == name || s.name.starts_with(name + "_"); });
    if (recorded == nullptr && has_default && !asked) return Value(Poison{"default"});
    if (optional && recorded == nullptr && !asked) return Value();
    return build(name, inner, recorded);
  }

  const std::vector<std::string>& names() const { return names_; }
  // The sizes of the dynamic dimensions in each trace; one for a program that is no trace.
  const std::vector<ir::Bindings>& trace_sizes() const { return trace_sizes_; }

 private:
  Result<Value> build(const std::string& name, const SchemaType& type,
                      const pickle::Value* recorded) {
    if (recorded && (recorded->is(pickle::Kind::list) || recorded->is(pickle::Kind::tuple))) {
      std::vector<Value> items;
      for (size_t i = 0; i < recorded->items.size(); ++i) {
        const SchemaType any;
        const SchemaType& element = type.is(Kind::list) && !type.inner.empty()      ? type.inner[0]
                                    : type.is(Kind::tuple) && i < type.inner.size() ? type.inner[i]
                                                                                    : any;
        items.push_back(TRY(build(fmt::format("{}_{}", name, i), element,
                                  &archive::untagged(*recorded->items[i]))));
      }
      return recorded->is(pickle::Kind::list) ? m_.list(std::move(items))
                                              : Value::tuple(std::move(items));
    }
    if (recorded && recorded->is(pickle::Kind::dict)) {
      DictData data;
      for (size_t i = 0; i + 1 < recorded->items.size(); i += 2) {
        const std::string key(recorded->items[i]->text);
        data.items.emplace_back(key, TRY(build(name + "_" + key, SchemaType{},
                                               &archive::untagged(*recorded->items[i + 1]))));
      }
      return DictRef{m_.state.dicts.add(std::move(data))};
    }
    if (type.is(Kind::tuple) && recorded == nullptr) {
      std::vector<Value> items;
      for (size_t i = 0; i < type.inner.size(); ++i)
        items.push_back(TRY(build(fmt::format("{}_{}", name, i), type.inner[i], nullptr)));
      return Value::tuple(std::move(items));
    }
    if (type.is(Kind::list) && !type.inner.empty() && type.inner[0].is(Kind::tensor)) {
      // One tensor for each shape that was given, name_0, name_1...
      std::vector<Value> items;
      for (size_t i = 0;; ++i) {
        const std::string element = fmt::format("{}_{}", name, i);
        const bool given = std::any_of(options_.shapes.begin(), options_.shapes.end(),
                                       [&](const InputSpec& s) { return s.name == element; });
        if (!given) break;
        items.push_back(TRY(build(element, type.inner[0], nullptr)));
      }
      if (items.empty()) {
        return m_.fail(
            ErrorKind::usage,
            fmt::format("the argument '{}' is a list of tensors, and how many is not known", name),
            "no shapes were given for it",
            fmt::format("give one shape for each element: --shapes {0}_0:3x320x320,{0}_1:3x320x320",
                        name));
      }
      return m_.list(std::move(items));
    }
    if (type.is(Kind::dict) && type.inner.size() == 2 && type.inner[0].is(Kind::string) &&
        type.inner[1].is(Kind::tensor)) {
      // One tensor for each shape that was given, name_key.
      DictData data;
      for (const InputSpec& spec : options_.shapes) {
        if (!spec.name.starts_with(name + "_")) continue;
        data.items.emplace_back(spec.name.substr(name.size() + 1),
                                TRY(build(spec.name, type.inner[1], nullptr)));
      }
      if (data.items.empty()) {
        return m_.fail(
            ErrorKind::usage,
            fmt::format("the argument '{}' is a dict of tensors, and its keys are not known", name),
            "no shapes were given for it",
            fmt::format("give one shape for each key: --shapes {0}_KEY:1x128,{0}_OTHER:1x128",
                        name));
      }
      return DictRef{m_.state.dicts.add(std::move(data))};
    }
    if (recorded && archive::is_tensor(*recorded)) return tensor(name, recorded);
    if (recorded) {
      if (recorded->is(pickle::Kind::integer)) return Value::integer(recorded->integer);
      if (recorded->is(pickle::Kind::real)) return Value::number(recorded->real);
      if (recorded->is(pickle::Kind::boolean)) return Value::boolean(recorded->integer != 0);
      if (recorded->is(pickle::Kind::none)) return Value();
    }
    if (type.is(Kind::tensor)) return tensor(name, nullptr);
    return m_.fail(
        ErrorKind::usage, fmt::format("the argument '{}' needs a value", name),
        fmt::format("it is of type {}, which is fixed when the model is converted", type.name),
        fmt::format("give it: --set {}=VALUE", name));
  }

  Result<Value> tensor(const std::string& name, const pickle::Value* recorded) {
    std::optional<InputForm> form;
    if (recorded) {
      const archive::StoredTensor stored =
          TRY(program_.archive().tensor(*recorded, "traced_inputs"));
      form = InputForm{stored.dtype, ir::to_shape(stored.sizes)};
    }
    ir::Graph& graph = m_.builder.graph();
    const size_t position = names_.size();
    InputForm made = TRY(input_form(graph, name, position, form, options_));
    TRY(compare_sizes(name, form, made));
    names_.push_back(name);
    const std::string& shown =
        position < options_.input_names.size() ? options_.input_names[position] : name;
    return input_tensor(m_, shown, made);
  }

  // Notes the sizes of dynamic dimensions in the traces. What differs between traces is dynamic,
  // also where nobody says so.
  Status compare_sizes(const std::string& name, const std::optional<InputForm>& recorded,
                       InputForm& form) {
    if (!recorded) return {};
    const std::vector<Dims>* traces = traces_ ? traces_->sizes(name) : nullptr;
    if (trace_sizes_.empty()) trace_sizes_.resize(traces_ ? traces_->count() : 1);
    for (size_t axis = 0; axis < form.shape.size(); ++axis) {
      std::vector<int64_t> sizes;
      for (size_t t = 0; t < trace_sizes_.size(); ++t)
        sizes.push_back(traces ? (*traces)[t][axis] : *recorded->shape[axis].constant());
      const bool differ = std::ranges::any_of(sizes, [&](int64_t s) { return s != sizes[0]; });
      Dim& dim = form.shape[axis];
      if (differ && dim.is_constant() && dim.is(sizes[0])) {
        // Sizes that are equal in all traces are taken for the same dimension.
        std::string& symbol = by_sizes_[sizes];
        if (symbol.empty()) symbol = axis == 0 ? "batch" : fmt::format("{}_{}", name, axis);
        dim = TRY(declare_dimension(m_.builder.graph(), {.symbol = symbol, .size = sizes[0]}));
      } else if (differ && dim.is_constant()) {
        return m_.fail(
            ErrorKind::usage,
            fmt::format("dimension {} of the input '{}' is fixed to {}", axis, name, dim.str()),
            fmt::format("it is {} in the traces, which are compared to make it dynamic",
                        fmt::join(sizes, ", ")),
            "leave it out of --shapes, or leave out --also-traced-at");
      }
      const std::string symbol = dim.symbol_name();
      if (symbol.empty()) continue;
      if (differ) by_sizes_.try_emplace(sizes, symbol);
      for (size_t t = 0; t < sizes.size(); ++t) {
        const auto [entry, fresh] = trace_sizes_[t].try_emplace(symbol, sizes[t]);
        if (fresh || entry->second == sizes[t]) continue;
        return m_.fail(ErrorKind::usage,
                       fmt::format("'{}' has two sizes in one trace, {} and {}", symbol,
                                   entry->second, sizes[t]),
                       "dimensions of the same name have the same size",
                       "give the dimensions names of their own");
      }
    }
    return {};
  }

  Result<Value> setting(const std::string& text, const SchemaType& type, const std::string& name) {
    const SchemaType& inner = type.is(Kind::optional) ? type.inner[0] : type;
    if (inner.is(Kind::string) && !(text.starts_with('"') || text.starts_with('\''))) {
      if (text == "None" && type.is(Kind::optional)) return Value();
      return text;
    }
    // Spelled as in Python.
    const auto parsed = script::parse("def f():\n  return (" + text + ")\n");
    if (parsed && parsed->functions.size() == 1 && parsed->functions[0].body.size() == 1 &&
        parsed->functions[0].body[0].exprs.size() == 1) {
      if (auto value = literal(parsed->functions[0].body[0].exprs[0], type)) return *value;
    }
    return m_.fail(ErrorKind::usage, fmt::format("--set {}={} does not fit", name, text),
                   fmt::format("the argument is of type {}", type.name),
                   "give a value of that type as Python writes it: 3, 0.5, True, [1, 2], (1, 0.5), "
                   "{'a': 1}");
  }

  // A Python literal of this type; nullopt for anything else.
  std::optional<Value> literal(const script::Expr& e, const SchemaType& type) {
    using K = script::Expr::Kind;
    if (type.is(Kind::optional)) {
      if (e.is(K::constant) && e.text == "None") return Value();
      return literal(e, type.inner[0]);
    }
    const auto number = literal_number(e);
    const int64_t* integer = number ? std::get_if<int64_t>(&*number) : nullptr;
    switch (type.kind) {
      case Kind::integer:
        return integer ? std::optional(Value::integer(*integer)) : std::nullopt;
      case Kind::floating:
        if (!number) return std::nullopt;
        return Value::number(integer ? static_cast<double>(*integer) : std::get<double>(*number));
      case Kind::number:
      case Kind::any:
        if (!number) break;
        return integer ? Value::integer(*integer) : Value::number(std::get<double>(*number));
      case Kind::boolean:
        if (e.is(K::constant) && e.text != "None") return Value::boolean(e.text == "True");
        if (e.is(K::name) && (e.text == "true" || e.text == "false"))
          return Value::boolean(e.text == "true");
        if (integer && (*integer == 0 || *integer == 1)) return Value::boolean(*integer == 1);
        return std::nullopt;
      case Kind::string:
        return e.is(K::string) ? std::optional<Value>(e.text) : std::nullopt;
      case Kind::list:
      case Kind::tuple: {
        if (!e.is(K::list) && !e.is(K::tuple)) return std::nullopt;
        if (type.is(Kind::tuple) && e.kids.size() != type.inner.size()) return std::nullopt;
        std::vector<Value> items;
        for (size_t i = 0; i < e.kids.size(); ++i) {
          auto item = literal(e.kids[i], type.inner[type.is(Kind::tuple) ? i : 0]);
          if (!item) return std::nullopt;
          items.push_back(std::move(*item));
        }
        return type.is(Kind::list) ? m_.list(std::move(items)) : Value::tuple(std::move(items));
      }
      case Kind::dict: {
        if (!e.is(K::dict)) return std::nullopt;
        DictData data;
        for (size_t i = 0; i + 1 < e.kids.size(); i += 2) {
          auto key = literal(e.kids[i], type.inner[0]),
               item = literal(e.kids[i + 1], type.inner[1]);
          if (!key || !item) return std::nullopt;
          data.items.emplace_back(std::move(*key), std::move(*item));
        }
        return DictRef{m_.state.dicts.add(std::move(data))};
      }
      default:
        break;
    }
    return std::nullopt;
  }

  Machine& m_;
  const Program& program_;
  const ImportOptions& options_;
  const Traces* traces_;
  std::optional<pickle::Pickle> pickle_;
  const pickle::Value* recorded_ = nullptr;
  std::vector<ir::Bindings> trace_sizes_;
  std::map<std::vector<int64_t>, std::string> by_sizes_;
  std::vector<std::string> names_;
};

// A model saved in training mode is taken as evaluation.
void leave_training_mode(Machine& m) {
  size_t changed = 0;
  for (uint32_t i = 0; i < m.state.objects.size(); ++i) {
    auto it = m.state.objects[i].attributes.find("training");
    if (it == m.state.objects[i].attributes.end()) continue;
    const Bool* b = it->second.get<Bool>();
    if (b && b->kind == Bool::Kind::yes) {
      m.state.objects.edit(i).attributes["training"] = Value::boolean(false);
      ++changed;
    }
  }
  if (changed > 0)
    m.notices.push_back(
        {fmt::format("{} modules were saved in training mode; they are converted for evaluation",
                     changed),
         {}});
}

// Adds every operator of the code that nothing can convert, reached or not, so that all are known
// at once.
Status add_unreached(Machine& m, Program& program, const Lowerings& lowerings) {
  for (const auto& [name, use] : TRY(program.used_operators())) {
    const auto schemas = find_schemas(name);
    const bool known = std::any_of(schemas.begin(), schemas.end(),
                                   [&](const Schema& s) { return can_convert(s, lowerings); });
    if (known) continue;
    const bool listed = std::any_of(m.problems.begin(), m.problems.end(), [&](const Error& e) {
      return e.what.find(name) != std::string::npos;
    });
    if (listed || name.starts_with("prim::")) continue;
    Error problem{
        .kind = ErrorKind::unsupported,
        .what = schemas.empty() ? "unknown operator " + name : "unsupported operator " + name,
        .where = {.source = use.source},
        .why = schemas.empty()
                   ? "PyTorch itself has no operator of this name: it is a custom operator"
                   : "Tenon has no lowering for it yet",
        .hint = schemas.empty()
                    ? "map it with --map FILE.py, or register it with a plugin (--plugin LIB.so)"
                    : "write it with supported operators, or map it with --map FILE.py"};
    if (use.count > 1) problem.what += fmt::format(" ({} times, first here)", use.count);
    m.problems.push_back(std::move(problem));
  }
  return {};
}

}  // namespace

Result<Imported> import_torchscript(const std::string& path, const ImportOptions& options,
                                    const ir::OpSet& ops, const Lowerings& lowerings) {
  Program program = TRY(Program::open(path));
  return import_torchscript(program, options, ops, lowerings);
}

namespace {

Status check_settings(const ImportOptions& options, const script::Function& method,
                      const std::string& path) {
  for (const auto& [name, text] : options.settings) {
    if (std::none_of(method.parameters.begin(), method.parameters.end(),
                     [&](const auto& p) { return p.name == name; })) {
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("the method has no argument '{}'", name),
                   .where = {.file = path},
                   .why = "--set names it",
                   .hint = "check its spelling"});
    }
  }
  return {};
}

// Says of a trace's graph with dynamic sizes what stands for it at other sizes than the trace's: as
// many traces as agree, or nothing, since a trace keeps what Python computed from a size as a
// constant.
void judge_sizes(Evaluation& out, const Interpreter& interpreter, const Inputs& inputs) {
  const std::vector<ir::Bindings>& traces = inputs.trace_sizes();
  ir::Bindings alone;  // those that are the same in all traces
  for (const auto& [symbol, size] : traces[0]) {
    const bool varied = std::ranges::any_of(
        traces, [&](const ir::Bindings& t) { return t.find(symbol)->second != size; });
    if (!varied) alone[symbol] = size;
  }
  std::string verdict(kUnproven);
  if (alone.empty()) verdict = fmt::format("agrees with {} traces", traces.size());
  if (traces.size() > 1) {
    for (const auto& [symbol, size] : alone)
      out.machine->notices.push_back(
          {fmt::format("'{}' is {} in all of the traces: nothing tells constants from it", symbol,
                       size),
           {}});
  }
  out.graph->metadata.emplace_back(kSizesKey, verdict);
  out.suspicions = interpreter.literals()->suspicions(*out.graph, alone);
}

// Evaluates the method with the state in `slots` as inputs and outputs beside its own.
Result<Evaluation> evaluate(Program& program, const ImportOptions& options, const ir::OpSet& ops,
                            const Lowerings& lowerings, const Traces* traces,
                            std::vector<StateSlot>& slots) {
  const std::string& path = program.path();
  Evaluation out;
  out.machine = std::make_unique<Machine>(*out.graph, ops, lowerings, options.mode);
  Machine& m = *out.machine;
  m.kernels = options.kernels;
  Interpreter interpreter(m, program, options.max_steps);
  auto located = [&](Error error) { return fail(with_where(std::move(error), {.file = path})); };
  if (auto ok = interpreter.load(); !ok) return located(ok.error());
  leave_training_mode(m);

  const FoundFunction method = TRY(interpreter.find_method(interpreter.root(), options.method));
  if (method.definition == nullptr) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("the module has no method '{}'", options.method),
                 .where = {.file = path},
                 .why = "its class does not define it",
                 .hint = "choose one with --method"});
  }
  Inputs inputs(m, program, options, traces);
  TRY(inputs.read_recorded());
  std::vector<std::pair<std::string, Value>> keywords;
  for (size_t i = 1; i < method.definition->parameters.size(); ++i) {
    const script::Parameter& parameter = method.definition->parameters[i];
    auto value = inputs.make(parameter.name, parse_type(parameter.annotation),
                             !parameter.default_value.is(script::Expr::Kind::none), i - 1);
    if (!value) return located(value.error());
    if (value->is<Poison>()) continue;  // its default
    keywords.emplace_back(parameter.name, std::move(*value));
  }
  TRY(check_names(options, inputs.names()));
  TRY(check_settings(options, *method.definition, path));
  enter_state(m, slots);
  bind_symbols(*out.graph);
  if (traces) interpreter.compare(*traces, inputs.trace_sizes());
  const bool judged =
      program.traced() && !inputs.trace_sizes().empty() && !inputs.trace_sizes()[0].empty();
  if (judged) interpreter.note_literals();
  out.before = m.state;

  auto result =
      interpreter.call_method(interpreter.root(), options.method, {}, std::move(keywords));
  if (result) {
    if (auto ok = add_outputs(m, *result, options); !ok) result = std::unexpected(ok.error());
  }
  if (!m.problems.empty()) {
    // Evaluation went on past them; only where it stopped early, code that was not reached is
    // searched too.
    if (!result) TRY(add_unreached(m, program, lowerings));
    return fail(report_problems(m, path).error());
  }
  if (!result) {
    // Evaluation stopped early: what else is missing is worth knowing too.
    Error error = with_where(result.error(), {.file = path});
    if (error.kind == ErrorKind::unsupported) {
      TRY(add_unreached(m, program, lowerings));
      for (Error& problem : m.problems) error.details.push_back(std::move(problem));
    }
    return fail(std::move(error));
  }
  if (judged) judge_sizes(out, interpreter, inputs);
  return out;
}

}  // namespace

Result<Imported> import_torchscript(Program& program, const ImportOptions& options,
                                    const ir::OpSet& ops, const Lowerings& lowerings) {
  std::optional<Traces> traces;
  if (!options.also_traced_at.empty())
    traces = TRY(Traces::compare(program, options.also_traced_at, options.method));
  return with_state(options, program.path(), [&](std::vector<StateSlot>& slots) {
    return evaluate(program, options, ops, lowerings, traces ? &*traces : nullptr, slots);
  });
}

Result<Imported> import_program(const std::string& path, const ImportOptions& options,
                                const ir::OpSet& ops, const Lowerings& lowerings) {
  const archive::Detected found = TRY(archive::detect(TRY(MappedFile::open(path))));
  if (found.kind == archive::FileKind::exported_program)
    return import_exported(path, options, ops, lowerings);
  if (found.kind == archive::FileKind::torchscript)
    return import_torchscript(path, options, ops, lowerings);
  return fail(archive::no_program(found, path));
}

}  // namespace tenon::torch
