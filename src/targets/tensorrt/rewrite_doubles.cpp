#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "targets/tensorrt/rewrite_parts.h"

namespace tenon::tensorrt {
namespace {

using ir::Node;
using ir::Value;

bool is_one_of(DType dtype, std::initializer_list<DType> all) {
  return std::ranges::find(all, dtype) != all.end();
}
// Every number of the type is one of f32.
bool fits_f32(DType t) {
  return is_one_of(t, {DType::f32, DType::f16, DType::bf16, DType::i8, DType::u8, DType::i16,
                       DType::u16, DType::boolean});
}
// What goes to f32 by way of f64 may go there at once. Integers of 64 bits are rounded twice that
// way where they lie beyond 2^53, and may differ in a float's last bit from what is rounded once:
// sizes, positions and counts do not lie there, and a decoder whose cache grows would be refused
// for it.
bool may_skip_f64(DType t) { return fits_f32(t) || is_integral(t); }

bool is_double(const Value* value) {
  return value != nullptr && value->type.is_tensor() && value->dtype() == DType::f64;
}
bool casts_to(const Node& node, DType to) {
  return node.is("Cast") && node.attributes.get<int64_t>("to", 0) == static_cast<int64_t>(to);
}

// Operators whose one output holds elements of these inputs, and nothing else.
struct Mover {
  std::string_view op;
  size_t first, count;  // of the inputs
};
constexpr size_t kAll = std::numeric_limits<size_t>::max();
constexpr std::array kMovers = {
    Mover{"Identity", 0, 1},  Mover{"Reshape", 0, 1}, Mover{"Squeeze", 0, 1},
    Mover{"Unsqueeze", 0, 1}, Mover{"Flatten", 0, 1}, Mover{"Transpose", 0, 1},
    Mover{"Slice", 0, 1},     Mover{"Gather", 0, 1},  Mover{"GatherElements", 0, 1},
    Mover{"GatherND", 0, 1},  Mover{"Expand", 0, 1},  Mover{"Tile", 0, 1},
    Mover{"Concat", 0, kAll}, Mover{"Where", 1, 2},
};
const Mover* mover(const Node& node) {
  const auto found = std::ranges::find(kMovers, node.op, &Mover::op);
  return node.domain.empty() && found != kMovers.end() ? &*found : nullptr;
}
bool moves(const Node& node, size_t input) {
  const Mover* found = mover(node);
  return found != nullptr && input >= found->first && input - found->first < found->count;
}

// --- constants

template <class F>
Tensor as_floats(const Tensor& doubles, F&& f) {
  Tensor out = Tensor::zeros(DType::f32, doubles.shape());
  std::ranges::transform(doubles.values<double>(), out.mutable_values<float>().begin(), f);
  return out;
}
float nearest(double d) { return static_cast<float>(d); }
float at_most(double d) {
  const float f = nearest(d);
  return f > d ? std::nextafter(f, -std::numeric_limits<float>::infinity()) : f;
}
float at_least(double d) {
  const float f = nearest(d);
  return f < d ? std::nextafter(f, std::numeric_limits<float>::infinity()) : f;
}
bool is_exact(const Tensor& doubles) {
  if (!doubles.has_data()) return false;
  return std::ranges::all_of(doubles.values<double>(),
                             [](double d) { return std::isnan(d) || nearest(d) == d; });
}

// A float x and a number c that is none: x > c where x is greater than the float below c. Null
// where no float does for c.
using Rounding = float (*)(double);
Rounding rounding_of_second(std::string_view comparison) {
  if (comparison == "Greater" || comparison == "LessOrEqual") return &at_most;
  if (comparison == "Less" || comparison == "GreaterOrEqual") return &at_least;
  return nullptr;
}
bool compares(const Node& node) {
  return node.is("Equal") || (node.domain.empty() && rounding_of_second(node.op) != nullptr);
}
Rounding rounding_of(const Node& comparison, size_t input) {
  const Rounding second = rounding_of_second(comparison.op);
  if (input == 1 || second == nullptr) return second;
  return second == &at_most ? &at_least : &at_most;
}

// --- which doubles are floats

class Doubles {
 public:
  Doubles(ir::Graph& graph, const ir::OpSet& ops) : ops_(ops), nodes_(all_nodes(graph)) {
    for (Node* node : nodes_) {
      for (const ir::Subgraph& sub : node->subgraphs) owners_[sub.graph.get()] = node;
      trace(*node);
    }
    settle(exact_, [&](const Value* v) { return made_of_floats(v); });
    settle(rounded_, [&](const Value* v) { return ends_as_float(v); });
  }

  Status narrow() {
    // What is to be done is found out first: it is said of the graph as it is.
    std::vector<std::pair<Value*, ir::Use>> widened;
    std::vector<Node*> comparisons, casts;
    std::vector<std::pair<Value*, ir::Use>> narrowed;
    for (Node* node : nodes_) {
      if (node->is("Cast") && is_narrow(node->output())) casts.push_back(node);
      if (compares(*node) && compares_floats(*node)) comparisons.push_back(node);
    }
    for (Value* value : values_) {
      if (!is_narrow(value)) continue;
      for (const ir::Use& use : value->uses) {
        if (!takes_float(use)) widened.emplace_back(value, use);
      }
      for (const auto& [source, use] : traces_.at(value).sources) {
        if (!is_narrow(source)) narrowed.emplace_back(source, use);
      }
    }
    for (Value* value : values_) {
      if (is_narrow(value)) value->type.dtype = DType::f32;
    }
    for (const auto& [value, use] : widened) TRY(put_cast(value, use, DType::f64));
    for (const auto& [value, use] : narrowed) TRY(put_float(value, use, &nearest));
    for (Node* node : comparisons) {
      for (size_t i = 0; i < 2; ++i)
        TRY(put_float(node->input(i), {node, i}, rounding_of(*node, i)));
    }
    for (Node* node : casts) node->attributes.set("to", static_cast<int64_t>(DType::f32));
    for (Node* node : nodes_) {
      if (!casts_to(*node, DType::f32) || node->input(0)->dtype() != DType::f32) continue;
      node->op = "Identity";
      node->attributes = {};
    }
    return {};
  }

 private:
  // Where a value's elements come from; a Loop's carried value is one within and one after it.
  struct Trace {
    std::vector<std::pair<Value*, ir::Use>> sources = {};
    const Value* partner = nullptr;
    bool is_cast = false;
  };

  void add(Value* value, Trace trace) {
    if (!is_double(value)) return;
    values_.push_back(value);
    traces_.emplace(value, std::move(trace));
  }

  void trace(Node& node) {
    if (casts_to(node, DType::f64)) {
      if (may_skip_f64(node.input(0)->dtype())) add(node.output(), {.is_cast = true});
    } else if (mover(node) != nullptr) {
      Trace trace;
      for (size_t i = 0; i < node.inputs().size(); ++i) {
        if (moves(node, i)) trace.sources.push_back({node.input(i), {&node, i}});
      }
      add(node.output(), std::move(trace));
    } else if (node.is("If")) {
      for (size_t i = 0; i < node.outputs().size(); ++i) {
        Trace trace;
        for (const ir::Subgraph& sub : node.subgraphs)
          trace.sources.push_back(result(*sub.graph, i));
        add(node.output(i), std::move(trace));
      }
    } else if (ir::Graph* body = node.is("Loop") ? node.subgraph("body") : nullptr) {
      for (size_t i = 0; i < node.outputs().size(); ++i) {
        Trace trace{.sources = {result(*body, i + 1)}};
        if (i + 2 < body->inputs().size()) {
          Value* inside = body->inputs()[i + 2];
          trace.sources.push_back({node.input(i + 2), {&node, i + 2}});
          add(inside, {.sources = trace.sources, .partner = node.output(i)});
          trace.partner = inside;
        }
        add(node.output(i), std::move(trace));
      }
    }
  }
  static std::pair<Value*, ir::Use> result(ir::Graph& graph, size_t i) {
    return {graph.outputs()[i], {const_cast<Node*>(graph.result()), i}};
  }

  // The largest set of traced values of which the rule holds, given that set.
  template <class F>
  void settle(std::unordered_set<const Value*>& set, F&& rule) {
    set.insert(values_.begin(), values_.end());
    for (size_t before = 0; before != set.size();) {
      before = set.size();
      std::erase_if(set, [&](const Value* value) {
        const Value* partner = traces_.at(value).partner;
        return !rule(value) || (partner != nullptr && !set.contains(partner));
      });
    }
  }

  bool made_of_floats(const Value* value) const {
    const Trace& trace = traces_.at(value);
    if (trace.is_cast) return fits_f32(value->producer->input(0)->dtype());
    return std::ranges::all_of(trace.sources, [&](const auto& source) {
      const Value* from = source.first;
      return from->is_constant() ? is_exact(*from->constant) : exact_.contains(from);
    });
  }

  // The value that a use hands the elements on to; null where it does something else with them.
  const Value* handed_to(const ir::Use& use) const {
    const Node& node = *use.node;
    if (moves(node, use.index)) return node.output();
    if (node.is("Loop")) return use.index < 2 ? nullptr : node.output(use.index - 2);
    if (&node != node.graph->result()) return nullptr;
    const auto owner = owners_.find(node.graph);
    if (owner == owners_.end()) return nullptr;
    if (owner->second->is("If")) return owner->second->output(use.index);
    if (owner->second->is("Loop") && use.index > 0) return owner->second->output(use.index - 1);
    return nullptr;
  }

  bool ends_as_float(const Value* value) const {
    return std::ranges::all_of(value->uses, [&](const ir::Use& use) {
      if (casts_to(*use.node, DType::f32)) return true;
      const Value* to = handed_to(use);
      return to != nullptr && rounded_.contains(to);
    });
  }

  bool is_narrow(const Value* value) const {
    return exact_.contains(value) || rounded_.contains(value);
  }

  bool compares_floats(const Node& node) const {
    bool some = false;
    for (size_t i = 0; i < 2; ++i) {
      const Value* value = node.input(i);
      some |= exact_.contains(value);
      if (exact_.contains(value)) continue;
      if (!is_double(value) || !value->is_constant() || !value->constant->has_data()) return false;
      if (rounding_of(node, i) == nullptr && !is_exact(*value->constant)) return false;
    }
    return some;
  }

  bool takes_float(const ir::Use& use) const {
    if (use.node->is("Cast") || (compares(*use.node) && compares_floats(*use.node))) return true;
    const Value* to = handed_to(use);
    return to != nullptr && is_narrow(to);
  }

  ir::Builder place(const ir::Use& use) const {
    if (use.node != use.node->graph->result()) return before(*use.node, ops_);
    return {*use.node->graph, ops_};
  }

  Status put_cast(Value* value, const ir::Use& use, DType to) const {
    ir::Builder b = place(use);
    use.node->graph->set_input(use.node, use.index, b.cast(value, to));
    return b.status();
  }

  Status put_float(Value* value, const ir::Use& use, Rounding rounding) const {
    if (!is_double(value)) return {};
    if (!value->is_constant() || !value->constant->has_data())
      return put_cast(value, use, DType::f32);
    Value* made = use.node->graph->add_constant(
        as_floats(*value->constant, rounding != nullptr ? rounding : &nearest));
    use.node->graph->set_input(use.node, use.index, made);
    return {};
  }

  const ir::OpSet& ops_;
  std::vector<Node*> nodes_;
  std::unordered_map<const ir::Graph*, const Node*> owners_;
  std::vector<Value*> values_;
  std::unordered_map<const Value*, Trace> traces_;
  std::unordered_set<const Value*> exact_, rounded_;
};

}  // namespace

Status narrow_doubles(ir::Graph& graph, const ir::OpSet& ops) {
  return Doubles(graph, ops).narrow();
}

}  // namespace tenon::tensorrt
