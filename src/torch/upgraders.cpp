#include "torch/upgraders.h"

#include <algorithm>

namespace tenon::torch {
namespace {

using Arguments = std::vector<Value>;
using Keywords = std::vector<std::pair<std::string, Value>>;

Value* keyword(Keywords& keywords, std::string_view name) {
  const auto found =
      std::ranges::find(keywords, name, [](const auto& k) { return std::string_view(k.first); });
  return found == keywords.end() ? nullptr : &found->second;
}

bool is_floating_value(const Value& value) {
  const TensorRef* t = value.get<TensorRef>();
  return t ? is_floating((*t)->dtype) || is_complex((*t)->dtype) : value.is<Float>();
}

// Up to version 3: integers were divided towards zero, unless the result went into floats.
Status divide(Machine&, Arguments& arguments, Keywords& keywords) {
  if (arguments.size() < 2 || !arguments[0].is<TensorRef>()) return {};
  if (keyword(keywords, "rounding_mode") || arguments.size() > 2) return {};
  if (is_floating_value(arguments[0]) || is_floating_value(arguments[1])) return {};
  if (const Value* out = keyword(keywords, "out"); out && is_floating_value(*out)) return {};
  keywords.emplace_back("rounding_mode", std::string("trunc"));
  return {};
}

// Up to version 4: a tensor filled with an integer was of floats where no type was given.
Status fill(Machine& m, Arguments& arguments, Keywords& keywords) {
  const Value* dtype = keyword(keywords, "dtype");
  if (arguments.size() < 2 || (dtype && !dtype->is_none())) return {};
  arguments[1] = TRY(m.to_float(arguments[1]));
  return {};
}

// Up to versions 7 and 8: a hundred steps where no number was given.
Status count_steps(Machine&, Arguments& arguments, Keywords& keywords) {
  constexpr int64_t kSteps = 100;
  if (arguments.size() > 2) {
    if (arguments[2].is_none()) arguments[2] = Value::integer(kSteps);
  } else if (Value* steps = keyword(keywords, "steps")) {
    if (steps->is_none()) *steps = Value::integer(kSteps);
  } else if (arguments.size() == 2) {
    arguments.push_back(Value::integer(kSteps));
  }
  return {};
}

// gelu had no `approximate` up to version 9, and meant its default: nothing to change.
struct Upgrader {
  std::string_view op;
  int64_t last_version;
  Status (*change)(Machine&, Arguments&, Keywords&);
};
constexpr Upgrader kUpgraders[] = {
    {"aten::div", 3, divide},           {"aten::div_", 3, divide},          {"aten::full", 4, fill},
    {"aten::linspace", 7, count_steps}, {"aten::logspace", 8, count_steps},
};

}  // namespace

Status upgrade_call(Machine& m, int64_t version, const std::string& op, Arguments& arguments,
                    Keywords& keywords) {
  for (const Upgrader& upgrader : kUpgraders) {
    if (upgrader.op == op && version <= upgrader.last_version)
      return upgrader.change(m, arguments, keywords);
  }
  return {};
}

}  // namespace tenon::torch
