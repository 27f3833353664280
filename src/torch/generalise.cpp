#include "torch/generalise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/elements.h"

namespace tenon::torch {
namespace {

bool near(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
}

bool all_same(const std::vector<double>& numbers) {
  return std::ranges::all_of(numbers, [&](double x) { return x == numbers[0]; });
}

std::string shown(const std::vector<double>& numbers) {
  std::string out;
  for (size_t i = 0; i < numbers.size(); ++i)
    out += fmt::format("{}{}", i == 0 ? "" : i + 1 == numbers.size() ? " and " : ", ", numbers[i]);
  return out;
}

std::vector<double> elements_of(const Tensor& tensor) {
  std::vector<double> out;
  with_elements(tensor.dtype(), [&](auto zero, auto convert) {
    for (const auto x : tensor.values<decltype(zero)>()) out.push_back(convert(x));
  });
  return out;
}

double apply(int function, double x) {
  switch (function) {
    case 1:
      return 1 / x;
    case 2:
      return std::sqrt(x);
    case 3:
      return 1 / std::sqrt(x);
    case 4:
      return std::log(x);
    default:
      return x;
  }
}

constexpr double kExact = 1e-12;       // of doubles that Python computed
constexpr double kSingle = 1e-6;       // of elements of 32-bit tensors
constexpr int64_t kMostElements = 64;  // of a tensor whose elements have a formula each

}  // namespace

std::string Generaliser::Formula::text() const {
  static constexpr const char* kForms[] = {"{}", "1/({})", "sqrt({})", "1/sqrt({})", "log({})"};
  const std::string inner = fmt::format(fmt::runtime(kForms[static_cast<int>(function)]), of.str());
  return factor == 1 ? inner : fmt::format("{} * {}", factor, inner);
}

std::string Generaliser::sizes_text() const {
  std::string out;
  for (const auto& [name, first] : sizes_[0]) {
    std::vector<int64_t> all;
    for (const ir::Bindings& trace : sizes_) all.push_back(trace.find(name)->second);
    out += fmt::format("{}{} = {}", out.empty() ? "" : "; ", name, fmt::join(all, ", "));
  }
  return out.empty() ? "no dimension is dynamic" : out;
}

std::unexpected<Error> Generaliser::unclear(const std::string& numbers, std::string why,
                                            std::string hint) const {
  return m_.fail(ErrorKind::unsupported,
                 "a constant of the traces depends on a size in a way that they do not tell",
                 fmt::format("it is {} ({}); {}", numbers, sizes_text(), why), std::move(hint));
}

std::optional<std::vector<int64_t>> Generaliser::at_traces(const Dim& dim) const {
  std::vector<int64_t> out;
  for (const ir::Bindings& trace : sizes_) {
    const auto size = dim.evaluate(trace);
    if (!size) return std::nullopt;
    out.push_back(*size);
  }
  return out;
}

void Generaliser::add_candidates(const std::set<Dim>& dims, Candidates& out) const {
  for (const Dim& dim : dims) {
    if (dim.is_constant()) continue;
    if (auto sizes = at_traces(dim)) out.emplace_back(dim, std::move(*sizes));
  }
}

// Sizes of tensors, and products of neighbouring ones, as flattening makes them.
void Generaliser::collect_at_hand(const std::vector<Shape>& shapes) {
  std::set<Dim> dims;
  for (const Shape& shape : shapes) {
    for (size_t i = 0; i < shape.size(); ++i) {
      Dim run = 1;
      for (size_t j = i; j < shape.size(); ++j) dims.insert(run = run * shape[j]);
    }
  }
  at_hand_.clear();
  add_candidates(dims, at_hand_);
}

void Generaliser::collect() {
  const ir::Graph& graph = m_.builder.graph();
  if (collected_at_ == graph.size() + 1) return;
  collected_at_ = graph.size() + 1;
  std::set<Dim> dims;
  for (size_t i = 0; i < symbols_.size(); ++i) {
    for (size_t j = i; j < symbols_.size(); ++j) dims.insert(symbols_[i].first * symbols_[j].first);
  }
  const auto add = [&](const ir::Value& value) {
    if (value.shape()) dims.insert(value.shape()->begin(), value.shape()->end());
    if (value.contents) dims.insert(value.contents->begin(), value.contents->end());
  };
  for (const ir::Value* input : graph.inputs()) add(*input);
  for (const auto& node : graph.nodes()) {
    for (const ir::Value* output : node->outputs()) add(*output);
  }
  expressions_.clear();
  add_candidates(dims, expressions_);
}

// Whether two expressions are the same function of the sizes: they may be written differently.
bool Generaliser::same_everywhere(const Dim& a, const Dim& b) const {
  if (a == b) return true;
  uint64_t random = 1;
  for (int probe = 0; probe < 64; ++probe) {
    ir::Bindings sizes;
    for (const auto& [name, size] : sizes_[0]) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      sizes[name] = 1 + static_cast<int64_t>((random >> 33) % 1000);
    }
    const auto x = a.evaluate(sizes), y = b.evaluate(sizes);
    if (x && y && *x != *y) return false;
  }
  return true;
}

// The one formula among those that fit; a Dim of 0 where there is none.
Result<Dim> Generaliser::only_one(const std::vector<Dim>& fitting, const std::string& numbers) {
  for (const Dim& other : fitting) {
    if (!same_everywhere(fitting[0], other))
      return unclear(numbers,
                     fmt::format("both {} and {} give that", fitting[0].str(), other.str()),
                     "give one more trace, at sizes that tell them apart: --also-traced-at C.pt");
  }
  return fitting.empty() ? Dim(0) : fitting[0];
}

Result<Generaliser::Formula> Generaliser::integer_formula(const std::vector<int64_t>& numbers) {
  const std::string text = shown(std::vector<double>(numbers.begin(), numbers.end()));
  const auto made = [](Dim dim) { return Formula{.of = std::move(dim), .integral = true}; };
  // From the plainest kind of formula on: the first that fits is taken.
  const auto fitting = [&](const Candidates& among) {
    std::vector<Dim> out;
    for (const auto& [dim, sizes] : among) {
      if (sizes == numbers) out.push_back(dim);
    }
    return out;
  };
  if (const Dim found = TRY(only_one(fitting(symbols_), text)); !found.is(0)) return made(found);
  if (const Dim found = TRY(only_one(fitting(at_hand_), text)); !found.is(0)) return made(found);
  collect();
  if (const Dim found = TRY(only_one(fitting(expressions_), text)); !found.is(0))
    return made(found);

  for (const Candidates* among : {&symbols_, &at_hand_, &expressions_}) {
    std::vector<Dim> multiples;
    for (const auto& [dim, sizes] : *among) {
      if (sizes[0] == 0 || numbers[0] % sizes[0] != 0) continue;
      const int64_t factor = numbers[0] / sizes[0];
      bool fits = factor != 0;
      for (size_t t = 0; t < sizes.size(); ++t) fits = fits && factor * sizes[t] == numbers[t];
      if (fits) multiples.push_back(dim * Dim(factor));
    }
    if (const Dim found = TRY(only_one(multiples, text)); !found.is(0)) return made(found);
  }

  const auto fits = [&](const Dim& dim) {
    const auto sizes = at_traces(dim);
    return sizes && *sizes == numbers;
  };
  std::vector<Dim> others;
  for (const auto& [symbol, sizes] : symbols_) {
    for (int64_t k = 2; k <= 64; ++k) {
      for (const Dim& dim : {floordiv(symbol, k), ceildiv(symbol, k)})
        if (fits(dim)) others.push_back(dim);
    }
    for (const Dim& dim :
         {symbol + Dim(numbers[0] - sizes[0]), Dim(numbers[0] + sizes[0]) - symbol})
      if (fits(dim)) others.push_back(dim);
  }
  if (const Dim found = TRY(only_one(others, text)); !found.is(0)) return made(found);

  std::vector<Dim> lines, remainders;
  bool two_points = true;
  for (const auto& [symbol, sizes] : symbols_) {
    const auto second = std::ranges::find_if(sizes, [&](int64_t s) { return s != sizes[0]; });
    if (second == sizes.end()) continue;
    const size_t t = static_cast<size_t>(second - sizes.begin());
    const int64_t run = sizes[t] - sizes[0], rise = numbers[t] - numbers[0];
    if (rise % run == 0 && rise != 0) {
      const int64_t slope = rise / run;
      const Dim line = symbol * Dim(slope) + Dim(numbers[0] - slope * sizes[0]);
      if (fits(line)) {
        lines.push_back(line);
        two_points = two_points && std::set<int64_t>(sizes.begin(), sizes.end()).size() < 3;
      }
    }
    for (int64_t k = 2; k <= 128; ++k) {
      for (const Dim& dim : {mod(symbol, k), mod(Dim(0) - symbol, k)})
        if (fits(dim)) remainders.push_back(dim);
    }
  }
  if (const Dim found = TRY(only_one(lines, text)); !found.is(0)) {
    if (!two_points) return made(found);
    return unclear(text,
                   fmt::format("{} would give that, but a line fits any two points", found.str()),
                   "give one more trace, at a third size: --also-traced-at C.pt");
  }
  if (const Dim found = TRY(only_one(remainders, text)); !found.is(0)) return made(found);
  return unclear(text, "no sum, product, quotient or remainder of the sizes gives that",
                 "export the model with torch.export or script it with torch.jit.script: both keep "
                 "what depends on sizes");
}

Result<Generaliser::Formula> Generaliser::float_formula(const std::vector<double>& numbers,
                                                        double tolerance) {
  collect();
  struct Found {
    Formula formula;
    int rank;
  };
  std::vector<Found> found;
  const auto consider = [&](const Candidates& among, int rank) {
    for (const auto& [dim, sizes] : among) {
      for (int function = 0; function <= 4; ++function) {
        for (const int64_t shift : {0, -1, 1}) {
          std::optional<double> factor;
          bool fits = true;
          for (size_t t = 0; t < sizes.size() && fits; ++t) {
            const double x = apply(function, static_cast<double>(sizes[t] + shift));
            if (!std::isfinite(x) || x == 0) {
              fits = false;
              break;
            }
            const double here = numbers[t] / x;
            if (!factor) factor = here;
            fits = near(*factor, here, tolerance);
          }
          if (!fits || !factor || *factor == 0) continue;
          const bool plain = near(*factor, 1, tolerance);
          found.push_back({{.of = dim + Dim(shift),
                            .function = static_cast<Formula::Function>(function),
                            .factor = plain ? 1 : *factor},
                           rank + (plain ? 0 : 3) + (shift == 0 ? 0 : 6)});
        }
      }
    }
  };
  consider(symbols_, 0);
  consider(at_hand_, 1);
  consider(expressions_, 2);
  const std::string text = shown(numbers);
  if (found.empty())
    return unclear(text, "no product, quotient, root or logarithm of a size gives that",
                   "export the model with torch.export or script it with torch.jit.script: both "
                   "keep what depends on sizes");
  const int best = std::ranges::min_element(found, {}, &Found::rank)->rank;
  const Formula* first = nullptr;
  for (const Found& f : found) {
    if (f.rank != best) continue;
    if (first == nullptr) {
      first = &f.formula;
    } else if (f.formula.function != first->function || !same_everywhere(f.formula.of, first->of)) {
      return unclear(text, fmt::format("both {} and {} give that", first->text(), f.formula.text()),
                     "give one more trace, at sizes that tell them apart: --also-traced-at C.pt");
    }
  }
  return *first;
}

Result<Generaliser::Formula> Generaliser::formula(const std::vector<double>& numbers, bool integral,
                                                  double tolerance) {
  if (auto it = known_.find(numbers); it != known_.end()) return it->second;
  const bool whole = std::ranges::all_of(
      numbers, [](double x) { return x == std::floor(x) && std::abs(x) < 1e15; });
  Result<Formula> found = std::unexpected(Error{});
  if (whole) found = integer_formula(std::vector<int64_t>(numbers.begin(), numbers.end()));
  if (!integral && !found) {
    auto as_float = float_formula(numbers, tolerance);
    if (as_float || !whole) found = std::move(as_float);
  }
  if (!found) return found;
  // Symbols of the same sizes in all traces could stand for each other.
  std::map<std::string, int> used;
  found->of.collect_symbols(used);
  for (const auto& [symbol, sizes] : symbols_) {
    for (const auto& [other, its_sizes] : symbols_) {
      if (symbol == other || sizes != its_sizes || !used.contains(symbol.symbol_name())) continue;
      return unclear(shown(numbers),
                     fmt::format("{} would give that, but {} and {} have the same sizes",
                                 found->text(), symbol.str(), other.str()),
                     "give one more trace, at sizes that tell them apart: --also-traced-at C.pt");
    }
  }
  m_.notices.push_back({fmt::format("{} in the traces: taken as {}", shown(numbers), found->text()),
                        ir::where(m_.builder.origin())});
  return known_[numbers] = *found;
}

Result<Value> Generaliser::emit(const Formula& f, bool integral) {
  if (integral) return f.of;
  if (f.function == Formula::Function::identity) return Float{0, f.of, f.factor, 0, nullptr};
  Value x = f.of;
  const bool inverse =
      f.function == Formula::Function::inverse || f.function == Formula::Function::inverse_root;
  if (f.function == Formula::Function::root || f.function == Formula::Function::inverse_root)
    x = TRY(m_.call("aten::sqrt", {x}));
  if (f.function == Formula::Function::logarithm) x = TRY(m_.call("aten::log", {x}));
  if (inverse) return m_.call("aten::div", {Value::number(f.factor), x});
  return f.factor == 1 ? Result<Value>(x) : m_.call("aten::mul", {Value::number(f.factor), x});
}

Result<Value> Generaliser::number(const std::vector<double>& numbers, bool integral,
                                  double tolerance) {
  if (all_same(numbers))
    return integral ? Value::integer(static_cast<int64_t>(numbers[0])) : Value::number(numbers[0]);
  return emit(TRY(formula(numbers, integral, tolerance)), integral);
}

Result<Value> Generaliser::value(const std::vector<TracedConstant>& constants,
                                 const std::vector<Shape>& at_hand) {
  if (symbols_.empty()) {
    for (const auto& [name, size] : sizes_[0])
      symbols_.emplace_back(Dim::symbol(name), *at_traces(Dim::symbol(name)));
  }
  collect_at_hand(at_hand);
  if (std::ranges::all_of(constants,
                          [](const auto& c) { return std::holds_alternative<Tensor>(c); })) {
    std::vector<Tensor> tensors;
    for (const TracedConstant& c : constants) tensors.push_back(std::get<Tensor>(c));
    return tensor(tensors);
  }
  std::vector<double> numbers;
  bool integral = true;
  for (const TracedConstant& c : constants) {
    integral = integral && std::holds_alternative<int64_t>(c);
    numbers.push_back(std::holds_alternative<int64_t>(c) ? static_cast<double>(std::get<int64_t>(c))
                                                         : std::get<double>(c));
  }
  return number(numbers, integral, kExact);
}

Result<Value> Generaliser::tensor(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<double>> elements;
  for (const Tensor& t : tensors) elements.push_back(elements_of(t));
  const Tensor& first = tensors[0];
  const bool integral = !is_floating(first.dtype());
  const double tolerance = first.dtype() == DType::f64 || integral ? kExact : kSingle;
  const std::string text = fmt::format("a tensor of {}[{}] and of {}[{}]", name(first.dtype()),
                                       fmt::join(first.shape(), ", "), name(tensors[1].dtype()),
                                       fmt::join(tensors[1].shape(), ", "));
  bool same_form = true, same_type = true;
  for (size_t t = 0; t < tensors.size(); ++t) {
    same_type = same_type && tensors[t].dtype() == first.dtype() &&
                tensors[t].shape().size() == first.shape().size() &&
                static_cast<int64_t>(elements[t].size()) == tensors[t].count();
    same_form = same_form && tensors[t].shape() == first.shape();
  }
  if (!same_type)
    return unclear(text, "its type or its number of dimensions differs, or it holds no numbers",
                   "compute it with torch operators on the inputs");
  if (!same_form) return resized_tensor(tensors, elements, tolerance);
  if (first.count() > kMostElements)
    return unclear(text, "its elements differ, and they are too many to have a formula each",
                   "compute it with torch operators on the inputs");
  std::vector<Scalar> made;
  for (size_t i = 0; i < elements[0].size(); ++i) {
    std::vector<double> numbers;
    for (const auto& trace : elements) numbers.push_back(trace[i]);
    auto scalar = to_scalar(TRY(number(numbers, integral, tolerance)));
    if (!scalar)
      return m_.fail(ErrorKind::internal, "a constant is no number", "it is generalised");
    made.push_back(std::move(*scalar));
  }
  // TorchScript takes a constant without dimensions for a Python number: weak in type promotion.
  return m_.known_tensor(first.dtype(), ir::to_shape(first.shape()), std::move(made),
                         first.shape().empty());
}

Result<Value> Generaliser::resized_tensor(const std::vector<Tensor>& tensors,
                                          const std::vector<std::vector<double>>& elements,
                                          double tolerance) {
  const DType dtype = tensors[0].dtype();
  const bool integral = !is_floating(dtype);
  const size_t rank = tensors[0].shape().size();
  std::vector<Value> dims;
  for (size_t axis = 0; axis < rank; ++axis) {
    std::vector<double> sizes;
    for (const Tensor& t : tensors) sizes.push_back(static_cast<double>(t.shape()[axis]));
    dims.push_back(TRY(number(sizes, true, kExact)));
  }
  const Value type = Value::integer(scalar_type_of_dtype(dtype));
  const auto sized = [&](const Value& x) -> Result<Value> {
    const Value expanded = TRY(m_.call("aten::expand", {x, m_.list(dims)}));
    return m_.call("aten::contiguous", {expanded});
  };
  // Calls f(indices, element) for all elements of a trace's tensor while it returns true.
  const auto all_elements = [&](size_t trace, auto&& f) {
    const Dims& shape = tensors[trace].shape();
    std::vector<int64_t> at(rank, 0);
    for (const double x : elements[trace]) {
      if (!f(at, x)) return false;
      for (size_t axis = rank; axis-- > 0;) {
        if (++at[axis] < shape[axis]) break;
        at[axis] = 0;
      }
    }
    return true;
  };
  for (const auto& trace : elements) {
    if (trace.empty())
      return unclear("an empty tensor in one trace", "its elements are not known",
                     "trace at sizes where it has elements");
  }

  // One number everywhere.
  std::vector<double> first;
  bool filled = true;
  for (const auto& trace : elements) {
    first.push_back(trace[0]);
    filled = filled && all_same(trace);
  }
  if (filled) {
    const Value fill = TRY(number(first, integral, tolerance));
    return m_.call("aten::full", {m_.list(dims), fill}, {{"dtype", type}});
  }

  // Counting up along an axis.
  for (size_t axis = 0; axis < rank; ++axis) {
    std::vector<double> steps;
    bool ramp = true;
    for (size_t t = 0; t < tensors.size() && ramp; ++t) {
      const int64_t size = tensors[t].shape()[axis];
      if (size < 2) {
        ramp = false;
        break;
      }
      int64_t stride = 1;
      for (size_t after = axis + 1; after < rank; ++after) stride *= tensors[t].shape()[after];
      // From its ends, where rounding counts least.
      const double last = elements[t][static_cast<size_t>((size - 1) * stride)];
      steps.push_back((last - first[t]) / static_cast<double>(size - 1));
      const double room = tolerance * std::max(std::abs(first[t]), std::abs(last));
      ramp = all_elements(t, [&](const std::vector<int64_t>& at, double x) {
        return std::abs(x - (first[t] + steps[t] * static_cast<double>(at[axis]))) <= room;
      });
    }
    if (!ramp) continue;
    const Value start = TRY(number(first, integral, tolerance));
    const Value step = TRY(number(steps, integral, tolerance));
    Value x = TRY(m_.call("aten::arange", {dims[axis]}, {{"dtype", type}}));
    x = TRY(m_.call("aten::add", {TRY(m_.call("aten::mul", {x, step})), start}));
    std::vector<Value> view(rank, Value::integer(1));
    view[axis] = Value::integer(-1);
    return sized(TRY(m_.call("aten::view", {x, m_.list(view)})));
  }

  // A triangle or a diagonal of the last two axes: one number where column - row >= k, or == k, and
  // another elsewhere.
  for (const bool diagonal : {false, true}) {
    if (rank < 2) break;
    const auto corner = [&](const std::vector<int64_t>& at) { return at[rank - 1] - at[rank - 2]; };
    for (int64_t k = -2; k <= 2; ++k) {
      std::optional<double> inside, outside;
      bool fits = true;
      for (size_t t = 0; t < tensors.size() && fits; ++t) {
        fits = all_elements(t, [&](const std::vector<int64_t>& at, double x) {
          std::optional<double>& side =
              (diagonal ? corner(at) == k : corner(at) >= k) ? inside : outside;
          if (!side) side = x;
          return *side == x;
        });
      }
      if (!fits || !inside || !outside) continue;
      const auto index = [&](size_t axis) -> Result<Value> {
        const Value count = TRY(m_.call("aten::arange", {dims[axis]}));
        std::vector<Value> view(2, Value::integer(1));
        view[axis - (rank - 2)] = Value::integer(-1);
        return m_.call("aten::view", {count, m_.list(view)});
      };
      const Value distance =
          TRY(m_.call("aten::sub", {TRY(index(rank - 1)), TRY(index(rank - 2))}));
      const Value where =
          TRY(m_.call(diagonal ? "aten::eq" : "aten::ge", {distance, Value::integer(k)}));
      const auto scalar = [&](double x) {
        return m_.known_tensor(
            dtype, {},
            {*to_scalar(integral ? Value::integer(static_cast<int64_t>(x)) : Value::number(x))});
      };
      return sized(TRY(m_.call("aten::where", {where, scalar(*inside), scalar(*outside)})));
    }
  }
  return unclear(fmt::format("a tensor of [{}] and of [{}]", fmt::join(tensors[0].shape(), ", "),
                             fmt::join(tensors[1].shape(), ", ")),
                 "it is neither filled with one number, nor counting, nor a triangle",
                 "make a table for the largest size in __init__ and slice it, or compute it with "
                 "torch operators");
}

}  // namespace tenon::torch
