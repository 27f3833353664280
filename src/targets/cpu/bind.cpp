#include "targets/cpu/bind.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/integers.h"

namespace tenon::cpu {
namespace {

std::string text(const Dims& dims) { return ir::to_string(ir::to_shape(dims)); }

std::unexpected<Error> bad_input(const ir::Value& input, std::string why) {
  return fail({.kind = ErrorKind::usage,
               .what = fmt::format("input '{}' does not fit the model", input.name),
               .why = std::move(why),
               .hint = fmt::format("the model takes {}", input.type.str())});
}

// Solves coefficient * symbol + offset = size; nothing where the expression has another form.
std::optional<std::pair<std::string, int64_t>> solve(const ir::Dim& dim, int64_t size) {
  if (auto name = dim.symbol_name(); !name.empty()) return {{name, size}};
  const auto terms = dim.terms();
  if (terms.size() != 1 || terms[0].factors.size() != 1) return std::nullopt;
  const auto& atom = *terms[0].factors[0];
  const int64_t rest = size - dim.offset();
  if (atom.op != ir::Dim::Op::symbol || rest % terms[0].coefficient != 0) return std::nullopt;
  return {{atom.name, rest / terms[0].coefficient}};
}

Status bind_shape(const ir::Value& input, const Tensor& tensor, ir::Bindings& bindings) {
  if (!input.type.is_tensor()) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = fmt::format("input '{}' is not a tensor", input.name),
                 .why = "the CPU engine takes tensors as inputs",
                 .hint = "pass the sequence's elements as inputs of their own"});
  }
  if (tensor.dtype() != input.dtype()) {
    return bad_input(input, fmt::format("its elements are {}, not {}", name(tensor.dtype()),
                                        name(input.dtype())));
  }
  if (!tensor.has_data()) return bad_input(input, "it has no data");
  if (!input.shape()) return {};
  const ir::Shape& shape = *input.shape();
  if (shape.size() != tensor.shape().size())
    return bad_input(input, fmt::format("its shape is {}", text(tensor.shape())));
  for (size_t i = 0; i < shape.size(); ++i) {
    if (auto solved = solve(shape[i], tensor.shape()[i])) bindings.insert(*solved);
  }
  return {};
}

Status check_shape(const ir::Value& input, const Tensor& tensor, const ir::Bindings& bindings) {
  if (!input.shape()) return {};
  for (size_t i = 0; i < input.shape()->size(); ++i) {
    const auto want = (*input.shape())[i].evaluate(bindings);
    if (!want) continue;
    if (*want != tensor.shape()[i]) {
      return bad_input(input, fmt::format("its shape is {}; axis {} has to be {}",
                                          text(tensor.shape()), i, *want));
    }
  }
  return {};
}

bool is_input(const ir::Graph& graph, const ir::Value* value) {
  return std::ranges::find(graph.inputs(), value) != graph.inputs().end();
}

}  // namespace

Result<ir::Bindings> bind_inputs(const ir::Graph& graph, std::span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs().size()) {
    std::string names;
    for (const ir::Value* input : graph.inputs())
      names += (names.empty() ? "" : ", ") + fmt::format("{} {}", input->name, input->type.str());
    return fail(
        {.kind = ErrorKind::usage,
         .what = "the number of inputs does not fit the model",
         .why = fmt::format("{} were given, {} are taken", inputs.size(), graph.inputs().size()),
         .hint = "the model takes " + names});
  }
  ir::Bindings bindings;
  for (size_t i = 0; i < inputs.size(); ++i)
    TRY(bind_shape(*graph.inputs()[i], inputs[i], bindings));
  for (const ir::Symbol& symbol : graph.symbols) {
    if (symbol.source == nullptr || symbol.axis >= 0) continue;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (graph.inputs()[i] != symbol.source) continue;
      const auto values = ir::integers(inputs[i]);
      if (!values || values->size() != 1) return bad_input(*symbol.source, "it is not one integer");
      bindings[symbol.name] = values->front();
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    TRY(check_shape(*graph.inputs()[i], inputs[i], bindings));
  for (const ir::Symbol& symbol : graph.symbols) {
    auto it = bindings.find(symbol.name);
    if (it == bindings.end()) continue;
    if (it->second < symbol.range.min || it->second > symbol.range.max) {
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("{} = {} is out of range", symbol.name, it->second),
                   .why = fmt::format("the plan was built for {} to {}", symbol.range.min,
                                      symbol.range.max),
                   .hint = "build again with --min-shapes and --max-shapes that cover it"});
    }
  }
  return bindings;
}

ir::Bindings opt_bindings(const ir::Graph& graph) {
  ir::Bindings out;
  for (const ir::Symbol& symbol : graph.symbols) {
    if (symbol.source != nullptr && !is_input(graph, symbol.source)) continue;
    out[symbol.name] =
        symbol.opt ? *symbol.opt : std::clamp<int64_t>(1, symbol.range.min, symbol.range.max);
  }
  return out;
}

Status check_guards(const ir::Graph& graph, const ir::Bindings& bindings) {
  for (const ir::Guard& guard : graph.guards) {
    const auto lhs = guard.lhs.evaluate(bindings), rhs = guard.rhs.evaluate(bindings);
    if (!lhs || !rhs) continue;
    const bool holds = guard.relation == ir::Guard::Relation::eq   ? *lhs == *rhs
                       : guard.relation == ir::Guard::Relation::le ? *lhs <= *rhs
                                                                   : *lhs != *rhs;
    if (holds) continue;
    return fail({.kind = ErrorKind::usage,
                 .what = "the model was not converted for inputs of these sizes",
                 .where = ir::where(guard.origin),
                 .why = fmt::format("it relies on {} ({} against {}): {}", guard.str(), *lhs, *rhs,
                                    guard.reason),
                 .hint = "convert the model at these sizes, or with --mode script"});
  }
  return {};
}

bool is_static(const ir::Graph& graph) {
  for (const ir::Symbol& symbol : graph.symbols) {
    if (symbol.source != nullptr && !is_input(graph, symbol.source)) return false;
  }
  const auto bindings = opt_bindings(graph);
  auto known = [&](const ir::Value* value) {
    if (value == nullptr) return true;
    if (!value->type.is_tensor() || !value->shape()) return false;
    for (const ir::Dim& dim : *value->shape()) {
      std::map<std::string, int> symbols;
      dim.collect_symbols(symbols);
      for (const auto& [name, count] : symbols) {
        if (!bindings.contains(name)) return false;
      }
    }
    return true;
  };
  for (const auto& node : graph.nodes()) {
    if (!node->subgraphs.empty()) return false;
    if (!std::ranges::all_of(node->inputs(), known)) return false;
    for (const ir::Value* out : node->outputs()) {
      if ((!out->uses.empty() || out == node->output()) && !known(out)) return false;
    }
  }
  return std::ranges::all_of(graph.outputs(), known);
}

Result<Dims> evaluate(const ir::Shape& shape, const ir::Bindings& bindings) {
  Dims out;
  for (const ir::Dim& dim : shape) {
    out.push_back(TRY(dim.evaluate(bindings)));
    if (out.back() < 0) {
      return fail({.kind = ErrorKind::usage,
                   .what = "the inputs are too small for the model",
                   .why = fmt::format("a tensor of shape {} would have a negative size",
                                      ir::to_string(shape)),
                   .hint = "give larger inputs"});
    }
  }
  if (element_count(out) < 0 || element_count(out) > (int64_t{1} << 40)) {
    return fail({.kind = ErrorKind::resource,
                 .what = "a tensor is too large",
                 .why = fmt::format("shape {}", text(out)),
                 .hint = "give smaller inputs"});
  }
  return out;
}

}  // namespace tenon::cpu
