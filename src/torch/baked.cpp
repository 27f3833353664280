#include "torch/baked.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/elements.h"
#include "torch/schema.h"

namespace tenon::torch {
namespace {

using script::Expr;
using K = Expr::Kind;

// What an argument says, by its name in PyTorch's schemas.
enum class Role { setting, window, bound, number };
Role role_of(const std::string& argument, const std::string& op) {
  static constexpr std::string_view kSettings[] = {"dim",
                                                   "dims",
                                                   "dim0",
                                                   "dim1",
                                                   "start_dim",
                                                   "end_dim",
                                                   "dtype",
                                                   "layout",
                                                   "axis0",
                                                   "memory_format",
                                                   "groups",
                                                   "eps",
                                                   "momentum",
                                                   "p",
                                                   "reduction",
                                                   "correction",
                                                   "num_layers",
                                                   "interpolation_mode",
                                                   "unbiased",
                                                   "training",
                                                   "axis1",
                                                   "padding_mode",
                                                   "source",
                                                   "destination",
                                                   "negative_slope",
                                                   "interpolation",
                                                   "beta",
                                                   "threshold",
                                                   "axis",
                                                   "dims_self",
                                                   "dims_other"};
  static constexpr std::string_view kWindows[] = {"kernel_size", "stride", "padding", "dilation",
                                                  "output_padding"};
  static constexpr std::string_view kBounds[] = {"start", "end", "index", "length"};
  if (std::ranges::find(kSettings, argument) != std::end(kSettings)) return Role::setting;
  if (std::ranges::find(kWindows, argument) != std::end(kWindows)) return Role::window;
  if (std::ranges::find(kBounds, argument) != std::end(kBounds) &&
      (op == "aten::select" || op == "aten::slice" || op == "aten::narrow"))
    return Role::bound;
  return Role::number;
}

// "size" of the second argument of aten::view.
std::string argument_name(const std::string& op, size_t position, size_t count) {
  const auto schemas = find_schemas(op);
  const Schema* best = nullptr;
  for (const Schema& schema : schemas) {
    if (schema.arguments.size() < count) continue;
    if (best == nullptr || schema.arguments.size() < best->arguments.size()) best = &schema;
  }
  return best && position < best->arguments.size() ? best->arguments[position].name : std::string();
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); }

// Dynamic sizes with what they are in the example.
using Known = std::vector<std::pair<std::string, double>>;

// The size, or what Python may have made of it, that the number equals.
std::string match(double number, const Known& sizes, double least, bool arithmetic) {
  for (const auto& [text, size] : sizes) {
    if (size < least) continue;
    if (near(number, size)) return text;
  }
  if (!arithmetic) return {};
  for (const auto& [text, size] : sizes) {
    if (size < 3) continue;
    if (near(number, 1 / size)) return "1 / " + text;
    if (near(number, std::sqrt(size)) && number != std::floor(number)) return "sqrt(" + text + ")";
    if (near(number, 1 / std::sqrt(size))) return "1 / sqrt(" + text + ")";
    if (near(number, std::log(size))) return "log(" + text + ")";
  }
  return {};
}

}  // namespace

void BakedLiterals::note(const Machine& m, const std::string& op, const Expr& call,
                         const std::vector<Value>& arguments) {
  Call out{.op = op, .arguments = call.kids.size() - 1, .origin = m.builder.origin()};
  for (size_t i = 1; i < call.kids.size(); ++i) {
    const Expr& kid = call.kids[i];
    const std::string& keyword = call.keywords[i - 1];
    const auto add = [&](const Expr& e) {
      const auto number = literal_number(e);
      if (!number) return;
      const int64_t* integer = std::get_if<int64_t>(&*number);
      out.literals.push_back(
          {.number = integer ? static_cast<double>(*integer) : std::get<double>(*number),
           .integral = integer != nullptr,
           .position = i - 1,
           .keyword = keyword});
    };
    if (op != "aten::to") add(kid);  // the number of a dtype there
    if (kid.is(K::list) || kid.is(K::tuple)) {
      for (const Expr& element : kid.kids) add(element);
    }
    const bool constant =
        kid.is(K::attribute) && kid.kids[0].is(K::name) && kid.kids[0].text == "CONSTANTS";
    if (constant && keyword.empty() && i - 1 < arguments.size()) {
      if (const TensorRef* t = arguments[i - 1].get<TensorRef>()) {
        out.constants.push_back((*t)->sizes);
        const ir::Value* held = m.state.storages[(*t)->storage].value;
        if (held && held->constant && held->constant->count() <= 16) {
          const Tensor& tensor = *held->constant;
          with_elements(tensor.dtype(), [&](auto zero, auto convert) {
            for (const auto x : tensor.values<decltype(zero)>())
              out.literals.push_back({.number = convert(x),
                                      .integral = !is_floating(tensor.dtype()),
                                      .position = i - 1});
          });
        }
      }
    }
  }
  if (out.literals.empty() && out.constants.empty()) return;
  if (!arguments.empty()) {
    if (const TensorRef* t = arguments[0].get<TensorRef>()) out.subject = (*t)->sizes;
  }
  if (arguments.size() > 1 &&
      (op == "aten::select" || op == "aten::slice" || op == "aten::narrow")) {
    if (const Dim* axis = arguments[1].get<Dim>()) out.axis = axis->constant();
  }
  calls_.push_back(std::move(out));
}

std::vector<Notice> BakedLiterals::suspicions(const ir::Graph& graph,
                                              const ir::Bindings& sizes) const {
  Known known;  // plainest first
  std::set<std::string> seen;
  const auto learn = [&](const Dim& dim) {
    if (dim.is_constant()) return;
    const std::string text = dim.str();
    if (!seen.insert(text).second) return;
    if (auto size = dim.evaluate(sizes)) known.emplace_back(text, static_cast<double>(*size));
  };
  for (const auto& [name, size] : sizes) learn(Dim::symbol(name));
  ir::for_each_node(graph, [&](const ir::Node& node) {
    for (const ir::Value* output : node.outputs()) {
      if (!output->shape()) continue;
      for (const Dim& dim : *output->shape()) learn(dim);
    }
  });
  for (const auto& [first, size] : sizes) {
    for (const auto& [second, other] : sizes)
      if (first < second || (first == second && size > 4))
        learn(Dim::symbol(first) * Dim::symbol(second));
  }
  if (known.empty()) return {};

  // One for each line and meaning, with all numbers.
  struct Suspicion {
    std::string op, meaning;
    Where where;
    std::vector<std::string> numbers;
  };
  std::vector<Suspicion> all;
  std::map<std::string, size_t> index;
  for (const Call& call : calls_) {
    const Where where = ir::where(call.origin);
    const auto suspect = [&](std::string number, const std::string& meaning) {
      const auto [at, fresh] =
          index.try_emplace(call.op + "\n" + meaning + "\n" + where.source, all.size());
      if (fresh) all.push_back({.op = call.op, .meaning = meaning, .where = where, .numbers = {}});
      std::vector<std::string>& numbers = all[at->second].numbers;
      if (std::ranges::find(numbers, number) == numbers.end()) numbers.push_back(std::move(number));
    };
    for (const Literal& literal : call.literals) {
      const std::string argument = literal.keyword.empty()
                                       ? argument_name(call.op, literal.position, call.arguments)
                                       : literal.keyword;
      const double number = literal.number;
      std::string meaning;
      switch (role_of(argument, call.op)) {
        case Role::setting:
          break;
        case Role::window: {
          // Windows are as large as an image only where they were made so.
          Known spatial;
          for (size_t axis = 2; axis < call.subject.size(); ++axis) {
            if (call.subject[axis].is_constant()) continue;
            if (auto size = call.subject[axis].evaluate(sizes))
              spatial.emplace_back(call.subject[axis].str(), static_cast<double>(*size));
          }
          meaning = match(number, spatial, 2, false);
          break;
        }
        case Role::bound: {
          const size_t rank = call.subject.size();
          if (!call.axis || rank == 0) break;
          const auto axis = static_cast<size_t>(
              *call.axis < 0 ? *call.axis + static_cast<int64_t>(rank) : *call.axis);
          if (axis >= rank) break;
          const Dim& along = call.subject[axis];
          const auto size = along.evaluate(sizes);
          const bool last =
              size && call.op == "aten::select" && number == static_cast<double>(*size - 1);
          if (!along.is_constant() && (last || (number >= 2 && number < 1e18)))
            meaning = fmt::format("{} along a dimension of {}",
                                  call.op == "aten::select" ? "an index" : "a bound", along.str());
          else
            meaning = number < 1e18 ? match(number, known, 2, false) : std::string();
          break;
        }
        case Role::number:
          meaning = match(number, known, literal.integral ? 2 : 3, true);
          break;
      }
      if (!meaning.empty()) suspect(fmt::format("{}", number), meaning);
    }
    for (const Shape& shape : call.constants) {
      for (const Dim& dim : shape) {
        const auto size = dim.constant();
        if (!size) continue;
        const std::string meaning = match(static_cast<double>(*size), known, 2, false);
        if (!meaning.empty()) suspect(fmt::format("a constant tensor of size {}", *size), meaning);
      }
    }
  }
  std::vector<Notice> out;
  for (const Suspicion& s : all) {
    const size_t last = s.numbers.size() - 1;
    const std::string numbers =
        last == 0
            ? s.numbers[0]
            : fmt::format("{} and {}", fmt::join(s.numbers.begin(), s.numbers.end() - 1, ", "),
                          s.numbers[last]);
    out.push_back(
        {fmt::format("suspicion: {} is given {}, which may be {}", s.op, numbers, s.meaning),
         s.where});
  }
  return out;
}

}  // namespace tenon::torch
