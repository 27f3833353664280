// What the front ends share: the forms of inputs, dynamic dimensions, outputs, the report of
// problems.
#include <fmt/format.h>

#include <algorithm>

#include "torch/import.h"
#include "torch/quantised.h"

namespace tenon::torch {
namespace {

const InputSpec* find_spec(const std::vector<InputSpec>& specs, const std::string& name,
                           size_t position) {
  for (const InputSpec& spec : specs) {
    if (spec.name == name) return &spec;
  }
  const std::string by_position = fmt::format("input_{}", position);
  for (const InputSpec& spec : specs) {
    if (spec.name == by_position) return &spec;
  }
  return nullptr;
}

// Fixes the symbols of a recorded dimension so that it has this size.
Status fix(ir::Graph& graph, const Dim& recorded, int64_t size) {
  const std::string symbol = recorded.symbol_name();
  ir::Symbol* entry = symbol.empty() ? nullptr : graph.find_symbol(symbol);
  if (entry && (size < entry->range.min || size > entry->range.max)) {
    return fail({.kind = ErrorKind::usage,
                 .what = "a size is outside the range that the program allows",
                 .why = fmt::format("{} for '{}', which was exported for {} to {}", size, symbol,
                                    entry->range.min, entry->range.max),
                 .hint = "give a size in that range, or export the program with a wider one"});
  }
  return {};
}

}  // namespace

Result<Dim> declare_dimension(ir::Graph& graph, const DimSpec& spec) {
  if (spec.symbol.empty()) return Dim(spec.size.value_or(1));
  ir::Symbol* known = graph.find_symbol(spec.symbol);
  if (known == nullptr) {
    graph.symbols.push_back(
        {.name = spec.symbol,
         .range = {spec.min.value_or(1), spec.max.value_or(ir::Interval::kMax)}});
    known = &graph.symbols.back();
  } else {
    if (spec.min) known->range.min = std::max(known->range.min, *spec.min);
    if (spec.max) known->range.max = std::min(known->range.max, *spec.max);
  }
  if (spec.size) known->opt = spec.size;
  if (known->range.min > known->range.max ||
      (known->opt && (*known->opt < known->range.min || *known->opt > known->range.max))) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("the dimension '{}' has no possible size", spec.symbol),
                 .why = fmt::format("its range is {} to {}{}", known->range.min, known->range.max,
                                    known->opt ? fmt::format(", its optimum {}", *known->opt) : ""),
                 .hint = "give min <= opt <= max"});
  }
  return Dim::symbol(spec.symbol);
}

Result<InputForm> input_form(ir::Graph& graph, const std::string& name, size_t position,
                             const std::optional<InputForm>& recorded,
                             const ImportOptions& options) {
  const InputSpec* shape = find_spec(options.shapes, name, position);
  const InputSpec* dynamic = find_spec(options.dynamic, name, position);
  if (shape == nullptr && !recorded) shape = dynamic;  // it has sizes for the other dimensions
  if (shape == nullptr && !recorded) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("the shape of the input '{}' is not known", name),
                 .why = "the file records no example inputs, which a scripted module never does",
                 .hint = fmt::format("give it: --shapes {}:1x3x224x224", name)});
  }
  InputForm form = recorded.value_or(InputForm{});
  auto wrong_rank = [&](const InputSpec& spec) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format(
                     "the shape of the input '{}' has the wrong number of dimensions", name),
                 .why = fmt::format("{} were given, the program takes {}", spec.dims.size(),
                                    form.shape.size()),
                 .hint = "give one size for each dimension"});
  };
  if (shape) {
    if (recorded && shape->dims.size() != form.shape.size()) return wrong_rank(*shape);
    const Shape before = form.shape;
    form.shape.clear();
    for (size_t i = 0; i < shape->dims.size(); ++i) {
      const DimSpec& spec = shape->dims[i];
      if (recorded && spec.symbol.empty() && spec.size) TRY(fix(graph, before[i], *spec.size));
      form.shape.push_back(TRY(declare_dimension(graph, spec)));
    }
    if (shape->dtype != DType::undefined) form.dtype = shape->dtype;
  }
  if (dynamic) {
    if (dynamic->dims.size() != form.shape.size()) return wrong_rank(*dynamic);
    for (size_t i = 0; i < form.shape.size(); ++i) {
      DimSpec spec = dynamic->dims[i];
      if (spec.symbol.empty()) continue;
      if (!spec.size) {
        // Best at the size that the file records, where that lies in the range.
        if (auto example = form.shape[i].constant();
            example && *example >= spec.min.value_or(1) && *example <= spec.max.value_or(*example))
          spec.size = example;
      }
      form.shape[i] = TRY(declare_dimension(graph, spec));
    }
  }
  return form;
}

Value input_tensor(Machine& m, const std::string& name, const InputForm& form) {
  const bool complex = is_complex(form.dtype);
  Shape shape = form.shape;
  if (complex) shape.emplace_back(2);
  return m.tensor(
      m.builder.graph().add_input(name, ir::Type::tensor(real_type(form.dtype), std::move(shape))),
      complex);
}

Status check_names(const ImportOptions& options, const std::vector<std::string>& inputs) {
  std::string known;
  for (const std::string& name : inputs) known += (known.empty() ? "" : ", ") + name;
  for (const auto* specs : {&options.shapes, &options.dynamic}) {
    for (const InputSpec& spec : *specs) {
      bool found = std::find(inputs.begin(), inputs.end(), spec.name) != inputs.end();
      for (size_t i = 0; i < inputs.size(); ++i)
        found = found || spec.name == fmt::format("input_{}", i);
      if (!found) {
        return fail({.kind = ErrorKind::usage,
                     .what = fmt::format("the program has no input '{}'", spec.name),
                     .why = "a shape was given for it",
                     .hint = "its inputs are: " + known});
      }
    }
  }
  if (!options.input_names.empty() && options.input_names.size() != inputs.size()) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("{} names were given for {} inputs",
                                     options.input_names.size(), inputs.size()),
                 .why = "the program's inputs are " + known,
                 .hint = "give one name for each of the inputs"});
  }
  return {};
}

void bind_symbols(ir::Graph& graph) {
  for (ir::Value* input : graph.inputs()) {
    if (!input->shape()) continue;
    for (size_t i = 0; i < input->shape()->size(); ++i) {
      ir::Symbol* symbol = graph.find_symbol((*input->shape())[i].symbol_name());
      if (symbol && symbol->source == nullptr) {
        symbol->source = input;
        symbol->axis = static_cast<int>(i);
      }
    }
  }
}

namespace {

struct Outputs {
  Machine& m;
  const ImportOptions& options;
  size_t count = 0;

  Status add(const Value& value, const std::string& name) {
    if (value.is_none()) {
      m.notices.push_back({fmt::format("the output {} is None and was left out",
                                       name.empty() ? fmt::format("{}", count) : name),
                           {}});
      return {};
    }
    if (const auto* all = m.items(value)) {
      const std::vector<Value> items = *all;
      const TupleRef* tuple = value.get<TupleRef>();
      for (size_t i = 0; i < items.size(); ++i) {
        std::string inner = name.empty() ? "" : fmt::format("{}_{}", name, i);
        if (tuple && i < (*tuple)->names.size())
          inner = (name.empty() ? "" : name + "_") + (*tuple)->names[i];
        TRY(add(items[i], inner));
      }
      return {};
    }
    if (m.is_sequence(value))
      return m.fail(ErrorKind::unsupported,
                    fmt::format("the output {} is a list whose length data decides",
                                name.empty() ? fmt::format("{}", count) : name),
                    "the graph's outputs are tensors, and as many as it says",
                    "return torch.stack() or torch.cat() of it");
    if (const DictRef* dict = value.get<DictRef>()) {
      const auto items = m.state.dicts[dict->id].items;
      for (const auto& [key, item] : items)
        TRY(add(item, (name.empty() ? "" : name + "_") + m.to_text(key)));
      return {};
    }
    if (value.is<Poison>()) {
      if (!m.problems.empty()) return {};  // reported with what caused it
      return m.fail(ErrorKind::unsupported, "an output could not be computed",
                    value.get<Poison>()->reason);
    }
    ir::Value* out = nullptr;
    if (const TensorRef* t = value.get<TensorRef>(); t && (*t)->quantiser) {
      m.notices.push_back({fmt::format("the output {} is quantised: what it stands for is given, "
                                       "in f32",
                                       name.empty() ? fmt::format("{}", count) : name),
                           {}});
      const Value real = TRY(dequantised(m, value));
      out = TRY(m.read(**real.get<TensorRef>()));
    } else if (t != nullptr)
      out = TRY(m.read(**t));
    else if (value.is<Dim>())
      out = TRY(m.scalar_value(value, DType::i64));
    else if (value.is<Float>())
      out = TRY(m.scalar_value(value, DType::f32));
    else if (value.is<Complex>())
      out = TRY(m.scalar_value(value, DType::c64));
    else if (const Bool* b = value.get<Bool>())
      out = TRY(m.bool_value(*b));
    else {
      m.notices.push_back(
          {fmt::format("the output {} is of kind {} and was left out", name, value.kind()), {}});
      return {};
    }
    ir::Graph& graph = m.builder.graph();
    // Each output has a name of its own.
    const auto outputs = graph.outputs();
    if (out->producer == nullptr || std::find(outputs.begin(), outputs.end(), out) != outputs.end())
      out = m.builder.emit_named("Identity", {out});
    out->name = count < options.output_names.size() ? options.output_names[count]
                : name.empty()                      ? fmt::format("output_{}", count)
                                                    : name;
    graph.add_output(out);
    ++count;
    return m.builder.status();
  }
};

}  // namespace

Status add_outputs(Machine& m, const Value& result, const ImportOptions& options) {
  Outputs outputs{m, options};
  TRY(outputs.add(result, ""));
  if (m.builder.graph().outputs().empty() && m.problems.empty()) {
    return m.fail(ErrorKind::unsupported, "the program returns no tensor",
                  "there is nothing to convert");
  }
  if (!options.output_names.empty() && options.output_names.size() != outputs.count) {
    return m.fail(ErrorKind::usage,
                  fmt::format("{} names were given for {} outputs", options.output_names.size(),
                              outputs.count),
                  "the program returns as many tensors", "give one name for each of the outputs");
  }
  return {};
}

Status report_problems(const Machine& m, const std::string& path) {
  if (m.problems.empty()) return {};
  // One entry for each operator and reason, with how often it occurs and where first.
  std::vector<std::pair<Error, size_t>> groups;
  for (const Error& problem : m.problems) {
    auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& g) {
      return g.first.what == problem.what && g.first.why == problem.why;
    });
    if (same == groups.end())
      groups.emplace_back(problem, 1);
    else
      ++same->second;
  }
  Error all{.kind = ErrorKind::unsupported,
            .what = fmt::format("{} part{} of the program cannot be converted", groups.size(),
                                groups.size() == 1 ? "" : "s"),
            .where = {.file = path}};
  for (auto& [problem, count] : groups) {
    if (count > 1) problem.what += fmt::format(" ({} times, first here)", count);
    all.details.push_back(std::move(problem));
  }
  return fail(std::move(all));
}

}  // namespace tenon::torch
