#include "api/inputs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <set>

#include "api/shapes.h"
#include "base/half.h"

namespace tenon::api {
namespace {

std::string interface_of(const ir::Graph& graph) {
  std::string out;
  for (const ir::Value* input : graph.inputs())
    out += (out.empty() ? "" : ", ") + fmt::format("{}: {}", input->name, input->type.str());
  return out.empty() ? "nothing" : out;
}

std::unexpected<Error> misfit(const ir::Graph& graph, const std::string& file, std::string what,
                              std::string why, std::string_view also = "") {
  return fail({.kind = ErrorKind::usage,
               .what = std::move(what),
               .where = {.file = file},
               .why = std::move(why),
               .hint = fmt::format("the model takes {}{}", interface_of(graph), also)});
}

// Whether the shape can be the type's; sizes with names fit any.
bool fits(const ir::Type& type, const Dims& shape) {
  if (!type.shape) return true;
  if (type.shape->size() != shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const auto size = (*type.shape)[i].constant();
    if (size && *size != shape[i]) return false;
  }
  return true;
}

Status check_fit(const ir::Graph& graph, const ir::Value& input, const Tensor& tensor,
                 const std::string& file) {
  if (!input.type.is_tensor()) {
    return misfit(graph, file, fmt::format("input '{}' cannot be given in an npz", input.name),
                  fmt::format("it is {}, and an npz holds tensors", input.type.str()));
  }
  if (tensor.dtype() != input.dtype()) {
    return misfit(
        graph, file, fmt::format("input '{}' has the wrong element type", input.name),
        fmt::format("it is {}, the model takes {}", name(tensor.dtype()), name(input.dtype())));
  }
  if (!fits(input.type, tensor.shape())) {
    const std::string spec = fmt::format("; or have it read at this shape with --shapes {}:{}",
                                         input.name, fmt::join(tensor.shape(), "x"));
    const bool same_rank = input.type.shape->size() == tensor.shape().size();
    return misfit(
        graph, file, fmt::format("input '{}' has the wrong shape", input.name),
        fmt::format("it is {}, the model takes {}", ir::to_string(ir::to_shape(tensor.shape())),
                    ir::to_string(*input.shape())),
        same_rank ? spec : "");
  }
  return {};
}

// What a module's state is before the first call, as the metadata of the graph says it: zeros, or
// its numbers.
std::optional<Tensor> initial_state(const ir::Graph& graph, const ir::Value& input) {
  const auto entry = std::ranges::find(graph.metadata, "tenon.state." + input.name,
                                       &std::pair<std::string, std::string>::first);
  const auto dims =
      input.shape() ? ir::constant_dims(*input.shape()) : std::optional<std::vector<int64_t>>();
  if (entry == graph.metadata.end() || !dims) return std::nullopt;
  const std::string text = entry->second.substr(entry->second.find('\n') + 1);
  Tensor out = Tensor::zeros(input.dtype(), *dims);
  if (text == "zeros") return out;
  const char *at = text.data(), *end = at + text.size();
  auto read = [&](auto values) {
    for (auto& value : values) {
      while (at != end && *at == ' ') ++at;
      const auto [next, error] = std::from_chars(at, end, value);
      if (error != std::errc()) return false;
      at = next;
    }
    return at == end;
  };
  const bool whole = input.dtype() == DType::f32   ? read(out.mutable_values<float>())
                     : input.dtype() == DType::i64 ? read(out.mutable_values<int64_t>())
                                                   : false;
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

Result<std::vector<Tensor>> match_inputs(const ir::Graph& graph,
                                         const std::vector<NamedTensor>& given,
                                         const std::string& file) {
  std::vector<Tensor> out;
  std::set<const NamedTensor*> used;
  auto find = [&](const std::string& name) -> const NamedTensor* {
    const auto found = std::ranges::find(given, name, &NamedTensor::name);
    return found == given.end() ? nullptr : &*found;
  };
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const ir::Value& input = *graph.inputs()[i];
    const NamedTensor* tensor = find(input.name);
    if (tensor == nullptr) tensor = find(fmt::format("input_{}", i));
    if (tensor == nullptr) tensor = find(fmt::format("arr_{}", i));
    if (tensor == nullptr) {
      if (auto initial = initial_state(graph, input)) {
        out.push_back(std::move(*initial));
        continue;
      }
      std::string names;
      for (const NamedTensor& t : given) names += (names.empty() ? "" : ", ") + t.name;
      return misfit(graph, file, fmt::format("input '{}' is missing", input.name),
                    fmt::format("the file holds {}", names.empty() ? "nothing" : names));
    }
    used.insert(tensor);
    TRY(check_fit(graph, input, tensor->tensor, file));
    out.push_back(tensor->tensor);
  }
  for (const NamedTensor& tensor : given) {
    if (!used.contains(&tensor))
      return misfit(graph, file, fmt::format("the model has no input '{}'", tensor.name),
                    "the file holds an array of this name");
  }
  return out;
}

Result<ValueRange> parse_value_range(const std::string& text) {
  ValueRange out;
  const size_t comma = text.find(',');
  auto number = [](std::string_view word, double& to) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), to);
    return error == std::errc() && end == word.data() + word.size();
  };
  if (comma == std::string::npos || !number(std::string_view(text).substr(0, comma), out.low) ||
      !number(std::string_view(text).substr(comma + 1), out.high) || !(out.low <= out.high)) {
    return fail({.kind = ErrorKind::usage,
                 .what = fmt::format("cannot read --val-range {}", text),
                 .why = "it is not LOW,HIGH with LOW at most HIGH",
                 .hint = "for example --val-range 0,255"});
  }
  return out;
}

namespace {

constexpr int64_t kDefaultIntegers = 10;  // values of an input of which nothing is known
constexpr int64_t kMostElements = int64_t{1} << 31;

// Values that are the input's elements, only shaped otherwise.
bool passes_on(const ir::Node& node) {
  for (std::string_view op : {"Cast", "Reshape", "Unsqueeze", "Squeeze", "Identity", "Flatten",
                              "Transpose", "Slice", "Expand", "Concat", "Split", "Clip"}) {
    if (node.is(op)) return true;
  }
  return false;
}

// The size of the smallest table that the integers index; nothing where they index none.
std::optional<int64_t> table_size(const ir::Value* value, int depth = 0) {
  std::optional<int64_t> out;
  if (depth > 16) return out;
  auto take = [&](std::optional<int64_t> size) {
    if (size && *size > 0) out = std::min(out.value_or(*size), *size);
  };
  for (const ir::Use& use : value->uses) {
    const ir::Node& node = *use.node;
    if ((node.is("Gather") || node.is("GatherElements")) && use.index == 1) {
      const ir::Value* table = node.input(0);
      if (!table->shape() || table->shape()->empty()) continue;
      const auto rank = static_cast<int64_t>(table->shape()->size());
      const int64_t axis = node.attributes.get<int64_t>("axis", 0);
      if (axis < -rank || axis >= rank) continue;
      take((*table->shape())[static_cast<size_t>(axis < 0 ? axis + rank : axis)].constant());
    } else if (node.is("OneHot") && use.index == 0 && node.input(1)->is_constant() &&
               node.input(1)->dtype() == DType::i64 && node.input(1)->constant->count() == 1) {
      take(node.input(1)->constant->values<int64_t>()[0]);
    } else if (passes_on(node)) {
      for (const ir::Value* output : node.outputs()) take(table_size(output, depth + 1));
    }
  }
  return out;
}

// Independent of the standard library's distributions, which differ from one to the next.
class Draw {
 public:
  explicit Draw(uint64_t seed) : engine_(seed) {}
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }  // [0, 1)
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::mt19937_64 engine_;
};

template <class T, class F>
void fill(Tensor& tensor, F&& value) {
  for (T& element : tensor.mutable_values<T>()) element = static_cast<T>(value());
}

Status fill(Tensor& tensor, const ir::Value& input, const RandomOptions& options, Draw& draw) {
  const auto real = [&]() -> float {
    const double v = options.range ? options.range->low +
                                         draw.uniform() * (options.range->high - options.range->low)
                                   : draw.normal();
    return static_cast<float>(v);
  };
  int64_t low = 0, high = table_size(&input).value_or(kDefaultIntegers) - 1;
  if (options.range) {
    low = static_cast<int64_t>(std::ceil(options.range->low));
    high = std::max(low, static_cast<int64_t>(std::floor(options.range->high)));
  }
  const auto whole = [&] {
    return low + static_cast<int64_t>(draw.uniform() * static_cast<double>(high - low + 1));
  };
  switch (input.dtype()) {
    case DType::f32:
      fill<float>(tensor, real);
      return {};
    case DType::f64:
      fill<double>(tensor, real);
      return {};
    case DType::f16:
      fill<uint16_t>(tensor, [&] { return float_to_f16(real()); });
      return {};
    case DType::bf16:
      fill<uint16_t>(tensor, [&] { return float_to_bf16(real()); });
      return {};
    case DType::boolean:
      fill<uint8_t>(tensor, [&] { return draw.uniform() < 0.5; });
      return {};
    case DType::u8:
      fill<uint8_t>(tensor, whole);
      return {};
    case DType::i8:
      fill<int8_t>(tensor, whole);
      return {};
    case DType::u16:
      fill<uint16_t>(tensor, whole);
      return {};
    case DType::i16:
      fill<int16_t>(tensor, whole);
      return {};
    case DType::u32:
      fill<uint32_t>(tensor, whole);
      return {};
    case DType::i32:
      fill<int32_t>(tensor, whole);
      return {};
    case DType::u64:
      fill<uint64_t>(tensor, whole);
      return {};
    case DType::i64:
      fill<int64_t>(tensor, whole);
      return {};
    default:
      break;
  }
  return fail({.kind = ErrorKind::unsupported,
               .what = fmt::format("cannot make up values for input '{}'", input.name),
               .why = fmt::format("its elements are {}", name(input.dtype())),
               .hint = "give its values with --inputs IN.npz"});
}

Status size_from_specs(const ir::Graph& graph, const std::vector<InputSpec>& specs,
                       ir::Bindings& bindings) {
  for (const InputSpec& spec : specs) {
    const ir::Value* input = TRY(find_input(graph, spec.name));
    const auto wrong = [&] {
      return misfit(graph, {}, fmt::format("the shape for input '{}' does not fit", spec.name),
                    "it has another number of dimensions, or sizes that are fixed in the model");
    };
    if (!input->shape() || input->shape()->size() != spec.dims.size()) return wrong();
    for (size_t i = 0; i < spec.dims.size(); ++i) {
      const ir::Dim& dim = (*input->shape())[i];
      if (!spec.dims[i].size) continue;
      const int64_t size = *spec.dims[i].size;
      const auto fixed = dim.substitute({}).evaluate(bindings);
      if (fixed && dim.is_constant() && *fixed != size) return wrong();
      if (!dim.symbol_name().empty()) bindings[dim.symbol_name()] = size;
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Tensor>> random_inputs(const ir::Graph& graph, const RandomOptions& options) {
  ir::Bindings sizes;
  for (const ir::Symbol& symbol : graph.symbols) {
    sizes[symbol.name] =
        symbol.opt.value_or(std::clamp<int64_t>(1, symbol.range.min, symbol.range.max));
  }
  for (const auto& [symbol, size] : options.sizes) sizes[symbol] = size;
  TRY(size_from_specs(graph, options.shapes, sizes));
  Draw draw(options.seed);
  std::vector<Tensor> out;
  for (const ir::Value* input : graph.inputs()) {
    if (!input->type.is_tensor() || !input->shape()) {
      return misfit(graph, {}, fmt::format("cannot make up input '{}'", input->name),
                    "the model does not say its shape; give it with --inputs IN.npz");
    }
    Dims shape;
    for (const ir::Dim& dim : *input->shape()) shape.push_back(TRY(dim.evaluate(sizes)));
    const int64_t count = element_count(shape);
    if (count < 0 || count > kMostElements) {
      return misfit(
          graph, {}, fmt::format("cannot make up input '{}'", input->name),
          fmt::format("a tensor of shape {} is too large", ir::to_string(ir::to_shape(shape))));
    }
    Tensor tensor = Tensor::zeros(input->dtype(), shape);
    TRY(fill(tensor, *input, options, draw));
    out.push_back(std::move(tensor));
  }
  return out;
}

}  // namespace tenon::api
