#include "api/shapes.h"

#include <algorithm>

#include "passes/rewrite.h"

namespace tenon::api {
namespace {

std::string names_of(std::span<ir::Value* const> values) {
  std::string out;
  for (const ir::Value* value : values) out += (out.empty() ? "" : ", ") + value->name;
  return out.empty() ? "none" : out;
}

std::unexpected<Error> contradiction(const ir::Value& input, std::string why) {
  return fail(
      {.kind = ErrorKind::usage,
       .what = fmt::format("the shape given for input '{}' does not fit the model", input.name),
       .why = std::move(why),
       .hint = fmt::format("the model's input is {}{}", input.name, input.type.str())});
}

Status narrow(ir::Symbol& symbol, const DimSpec& spec, const ir::Value& input) {
  const int64_t min = std::max(symbol.range.min, spec.min.value_or(symbol.range.min));
  const int64_t max = std::min(symbol.range.max, spec.max.value_or(symbol.range.max));
  if (spec.min.value_or(min) < symbol.range.min || spec.max.value_or(max) > symbol.range.max ||
      min > max) {
    return contradiction(input, fmt::format("{} can be {} to {} in the model, not {} to {}",
                                            symbol.name, symbol.range.min, symbol.range.max,
                                            spec.min.value_or(min), spec.max.value_or(max)));
  }
  symbol.range = {min, max};
  if (spec.size) symbol.opt = spec.size;
  if (symbol.opt) symbol.opt = std::clamp(*symbol.opt, min, max);
  return {};
}

}  // namespace

Status fix_sizes(ir::Graph& graph, const std::map<std::string, ir::Dim, std::less<>>& sizes,
                 const ir::OpSet& ops) {
  passes::substitute(graph, sizes);
  std::erase_if(graph.symbols, [&](const ir::Symbol& s) { return sizes.contains(s.name); });
  ir::forget_contents(graph);
  return ir::infer(graph, ops);
}

Result<ir::Value*> find_input(const ir::Graph& graph, const std::string& name) {
  for (ir::Value* input : graph.inputs()) {
    if (input->name == name) return input;
  }
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    if (name == fmt::format("input_{}", i)) return graph.inputs()[i];
  }
  return fail({.kind = ErrorKind::usage,
               .what = fmt::format("the model has no input '{}'", name),
               .why = fmt::format("its inputs are {}", names_of(graph.inputs())),
               .hint = "use one of these names, or input_0 for the first"});
}

Status apply_shapes(ir::Graph& graph, const std::vector<InputSpec>& specs, const ir::OpSet& ops) {
  std::map<std::string, ir::Dim, std::less<>> fixed;
  for (const InputSpec& spec : specs) {
    ir::Value* input = TRY(find_input(graph, spec.name));
    if (spec.dtype != DType::undefined && spec.dtype != input->dtype())
      return contradiction(
          *input, fmt::format("its type is {}, not {}", name(input->dtype()), name(spec.dtype)));
    if (!input->type.is_tensor())
      return contradiction(*input, "it is no tensor, and only tensors have a shape");
    if (!input->shape()) {
      return contradiction(*input, "the model does not say how many dimensions it has");
    }
    if (input->shape()->size() != spec.dims.size())
      return contradiction(*input, fmt::format("it has {} dimensions, not {}",
                                               input->shape()->size(), spec.dims.size()));
    for (size_t axis = 0; axis < spec.dims.size(); ++axis) {
      const DimSpec& want = spec.dims[axis];
      const ir::Dim has = (*input->shape())[axis].substitute(fixed);
      if (const auto size = has.constant()) {
        if (want.symbol.empty()
                ? *want.size != *size
                : want.min.value_or(*size) > *size || want.max.value_or(*size) < *size)
          return contradiction(*input, fmt::format("its dimension {} is fixed at {}", axis, *size));
        if (!want.symbol.empty() && want.min.value_or(*size) != want.max.value_or(*size))
          return contradiction(
              *input, fmt::format("its dimension {} is fixed at {} and cannot vary", axis, *size));
        continue;
      }
      ir::Symbol* symbol = graph.find_symbol(has.symbol_name());
      if (symbol == nullptr)
        return contradiction(
            *input,
            fmt::format("its dimension {} is {}, which follows from other sizes", axis, has.str()));
      if (!want.symbol.empty() && want.min != want.max) {
        TRY(narrow(*symbol, want, *input));
        continue;
      }
      if (want.symbol.empty() || want.min) {
        const int64_t size = want.symbol.empty() ? *want.size : *want.min;
        if (size < symbol->range.min || size > symbol->range.max)
          return contradiction(*input,
                               fmt::format("{} can be {} to {} in the model, not {}", symbol->name,
                                           symbol->range.min, symbol->range.max, size));
        fixed[symbol->name] = ir::Dim(size);
      } else if (want.size) {
        TRY(narrow(*symbol, want, *input));
      }
    }
  }
  return fixed.empty() ? Status{} : fix_sizes(graph, fixed, ops);
}

Status rename_values(ir::Graph& graph, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs) {
  auto rename = [](std::span<ir::Value* const> values, const std::vector<std::string>& names,
                   std::string_view what) -> Status {
    if (names.empty()) return {};
    if (names.size() != values.size()) {
      return fail(
          {.kind = ErrorKind::usage,
           .what = fmt::format("{} names were given for {} {}", names.size(), values.size(), what),
           .why = fmt::format("the model's {} are {}", what, names_of(values)),
           .hint = fmt::format("give one name for each of the {}", what)});
    }
    for (size_t i = 0; i < names.size(); ++i) values[i]->name = names[i];
    return {};
  };
  TRY(rename(graph.inputs(), inputs, "inputs"));
  return rename(graph.outputs(), outputs, "outputs");
}

namespace {

const InputSpec* find_spec(const std::vector<InputSpec>& specs, const std::string& name) {
  const auto found = std::ranges::find(specs, name, &InputSpec::name);
  return found == specs.end() ? nullptr : &*found;
}

std::unexpected<Error> bad_profile(const std::string& input, std::string why) {
  return fail(
      {.kind = ErrorKind::usage,
       .what = fmt::format("the min, opt and max shapes of input '{}' do not fit together", input),
       .why = std::move(why),
       .hint = "give --min-shapes, --opt-shapes and --max-shapes for the same inputs, as "
               "image:1x3x224x224"});
}

// The same range along the same axis is one size: the batch of several inputs.
std::string symbol_for(size_t axis, const DimSpec& dim, std::map<std::string, DimSpec>& known) {
  const std::string base = axis == 0 ? "batch" : fmt::format("dim_{}", axis);
  for (size_t n = 0;; ++n) {
    const std::string candidate = n == 0 ? base : fmt::format("{}_{}", base, n);
    const auto [entry, fresh] = known.emplace(candidate, dim);
    if (fresh || entry->second == dim) return candidate;
  }
}

}  // namespace

Result<std::vector<InputSpec>> merge_profile(const std::vector<InputSpec>& min,
                                             const std::vector<InputSpec>& opt,
                                             const std::vector<InputSpec>& max) {
  std::vector<std::string> inputs;
  for (const auto* list : {&opt, &min, &max}) {
    for (const InputSpec& spec : *list) {
      if (std::ranges::find(inputs, spec.name) == inputs.end()) inputs.push_back(spec.name);
    }
  }
  std::map<std::string, DimSpec> symbols;
  std::vector<InputSpec> out;
  for (const std::string& input : inputs) {
    const InputSpec *low = find_spec(min, input), *best = find_spec(opt, input),
                    *high = find_spec(max, input);
    if ((low == nullptr) != (high == nullptr))
      return bad_profile(input, fmt::format("it has no {} shape", low ? "max" : "min"));
    if (low == nullptr) {
      out.push_back(*best);
      continue;
    }
    if (best == nullptr) best = high;
    if (low->dims.size() != high->dims.size() || best->dims.size() != high->dims.size())
      return bad_profile(input, "they differ in the number of dimensions");
    InputSpec merged = *best;
    for (size_t axis = 0; axis < merged.dims.size(); ++axis) {
      const auto size = [&](const InputSpec& spec) { return spec.dims[axis].size; };
      if (!size(*low) || !size(*best) || !size(*high))
        return bad_profile(input, fmt::format("dimension {} has no size", axis));
      if (*size(*low) > *size(*best) || *size(*best) > *size(*high))
        return bad_profile(input, fmt::format("dimension {} is {}, {} and {}: not in order", axis,
                                              *size(*low), *size(*best), *size(*high)));
      if (*size(*low) == *size(*high)) continue;
      DimSpec& dim = merged.dims[axis];
      dim = {.symbol = {}, .size = size(*best), .min = size(*low), .max = size(*high)};
      dim.symbol = symbol_for(axis, dim, symbols);
    }
    out.push_back(std::move(merged));
  }
  return out;
}

namespace {

// Widens the sizes of `into` by those of `from`, by `choose`; inputs that are new are appended.
template <class Choose>
Status widen(std::vector<InputSpec>& into, const std::vector<InputSpec>& from, Choose choose) {
  for (const InputSpec& spec : from) {
    const auto found = std::ranges::find(into, spec.name, &InputSpec::name);
    if (found == into.end()) {
      into.push_back(spec);
      continue;
    }
    if (found->dims.size() != spec.dims.size())
      return bad_profile(spec.name, "profiles differ in the number of dimensions");
    for (size_t axis = 0; axis < spec.dims.size(); ++axis) {
      std::optional<int64_t>& size = found->dims[axis].size;
      if (size && spec.dims[axis].size) size = choose(*size, *spec.dims[axis].size);
    }
  }
  return {};
}

}  // namespace

Result<std::vector<InputSpec>> hull_of_profiles(const std::vector<ProfileSpecs>& profiles) {
  if (profiles.empty()) return std::vector<InputSpec>{};
  if (profiles.size() == 1) return merge_profile(profiles[0].min, profiles[0].opt, profiles[0].max);
  std::vector<InputSpec> min, max;
  const auto least = [](int64_t a, int64_t b) { return std::min(a, b); };
  const auto largest = [](int64_t a, int64_t b) { return std::max(a, b); };
  for (const ProfileSpecs& profile : profiles) {
    TRY(merge_profile(profile.min, profile.opt, profile.max));  // each is in order by itself
    TRY(widen(min, profile.min.empty() ? profile.opt : profile.min, least));
    TRY(widen(max, profile.max.empty() ? profile.opt : profile.max, largest));
  }
  const ProfileSpecs& first = profiles.front();
  return merge_profile(min, first.opt.empty() ? first.max : first.opt, max);
}

}  // namespace tenon::api
