#include "onnx/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"

namespace tenon::onnx {
namespace {

// Wider types to compute in, in order of preference.
std::span<const DType> wider(DType dtype, Widen widen) {
  static constexpr std::array kHalf{DType::f32};
  static constexpr std::array kShort{DType::i32, DType::i64, DType::f32, DType::f64};
  static constexpr std::array kInt{DType::i64, DType::f64};
  switch (dtype) {
    case DType::f16:
    case DType::bf16:
      return kHalf;
    case DType::i8:
    case DType::u8:
    case DType::i16:
    case DType::u16:
    case DType::boolean:
      return widen == Widen::numbers ? std::span<const DType>(kShort) : std::span<const DType>();
    case DType::i32:
    case DType::u32:
      return widen == Widen::numbers ? std::span<const DType>(kInt) : std::span<const DType>();
    default:
      return {};
  }
}

bool is_empty_list(const ir::Attribute& a) {
  return std::visit(
      [](const auto& v) {
        if constexpr (requires { v.empty(); } &&
                      !std::is_same_v<std::remove_cvref_t<decltype(v)>, std::string>)
          return v.empty();
        else
          return false;
      },
      a);
}

// Makes a node fit the opset's schema, or says why it cannot.
class Fitter {
 public:
  Fitter(ExportContext& c, const Mapping& mapping) : c_(c), mapping_(mapping) {}

  // Computes the node in a wider type where the opset has the operator but not this type of it.
  Status widen() {
    schema_ = find_schema(c_.node->op, c_.opset);
    if (schema_ == nullptr) return {};
    for (size_t i = 0; i < c_.node->inputs().size(); ++i) {
      const ir::Value* value = c_.input(i);
      const SchemaParameter* parameter = schema_->input(i);
      if (!value || !parameter || !value->type.is_tensor() || accepts(parameter, value->type))
        continue;
      for (const DType to : wider(value->dtype(), mapping_.widen)) {
        if (accepts(parameter, to) && can_cast(value->dtype()))
          return compute_in(c_, value->dtype(), to);
      }
    }
    return {};
  }

  Status fit() {
    schema_ = find_schema(c_.node->op, c_.opset);
    if (schema_ == nullptr) {
      const int appears = first_opset(c_.node->op);
      return c_.fail(appears > c_.opset ? fmt::format("the operator appears in opset {}", appears)
                                        : std::string("ONNX has no such operator"),
                     appears);
    }
    TRY(fit_types());
    TRY(fit_inputs());
    return fit_attributes();
  }

 private:
  Status fit_types() {
    for (size_t i = 0; i < c_.node->inputs().size(); ++i) {
      const ir::Value* value = c_.input(i);
      const SchemaParameter* parameter = schema_->input(i);
      if (value == nullptr || parameter == nullptr || accepts(parameter, value->type)) continue;
      return refuse_type(fmt::format("input {}", i), value->type,
                         [&](const Schema& s) { return accepts(s.input(i), value->type); });
    }
    for (size_t i = 0; i < c_.node->outputs().size(); ++i) {
      const ir::Value* value = c_.node->output(i);
      const SchemaParameter* parameter = schema_->output(i);
      if (parameter == nullptr || accepts(parameter, value->type) || value->uses.empty()) continue;
      return refuse_type(fmt::format("output {}", i), value->type,
                         [&](const Schema& s) { return accepts(s.output(i), value->type); });
    }
    return {};
  }

  bool can_cast(DType dtype) const {
    const Schema* cast = find_schema("Cast", c_.opset);
    return cast && accepts(cast->input(0), dtype) && accepts(cast->output(0), dtype);
  }

  template <class F>
  Status refuse_type(std::string which, const ir::Type& type, F&& accepted) {
    const int appears = first_opset_where(c_.node->op, c_.opset, accepted);
    const std::string kind = type.is_tensor() ? std::string(name(type.dtype)) : type.str();
    return c_.fail(appears
                       ? fmt::format("its {} of type {} appears in opset {}", which, kind, appears)
                       : fmt::format("ONNX does not take its {} of type {}", which, kind),
                   appears);
  }

  Status fit_inputs() {
    size_t count = c_.node->inputs().size();
    while (count > 0 && c_.input(count - 1) == nullptr) --count;
    c_.graph.truncate_inputs(c_.node, count);
    const auto n = static_cast<int>(count);
    const auto outputs = static_cast<int>(c_.node->outputs().size());
    if (schema_->max_inputs >= 0 && n > schema_->max_inputs) {
      const int appears = first_opset_where(c_.node->op, c_.opset, [&](const Schema& s) {
        return s.max_inputs < 0 || n <= s.max_inputs;
      });
      return c_.fail(fmt::format("its input {} appears in opset {}", n - 1, appears), appears);
    }
    if (schema_->max_outputs >= 0 && outputs > schema_->max_outputs) {
      const int appears = first_opset_where(c_.node->op, c_.opset, [&](const Schema& s) {
        return s.max_outputs < 0 || outputs <= s.max_outputs;
      });
      return c_.fail(fmt::format("its output {} appears in opset {}", outputs - 1, appears),
                     appears);
    }
    for (int i = 0; i < schema_->min_inputs; ++i) {
      const SchemaParameter* parameter = schema_->input(i);
      if (c_.input(i) == nullptr && parameter && parameter->option == SchemaParameter::single)
        return c_.fail(fmt::format("input '{}' may not be absent at this opset", parameter->name));
    }
    std::array<DType, 32> types{};
    for (size_t i = 0; i < count; ++i) {
      const SchemaParameter* parameter = schema_->input(i);
      const ir::Value* value = c_.input(i);
      if (!value || !parameter || parameter->type_variable < 0 || !value->type.is_tensor())
        continue;
      DType& bound = types[static_cast<size_t>(parameter->type_variable) % types.size()];
      if (bound == DType::undefined) bound = value->dtype();
      if (bound != value->dtype())
        return c_.fail(
            fmt::format("its inputs have the types {} and {}", name(bound), name(value->dtype())));
    }
    return {};
  }

  Status fit_attributes() {
    const Schema* newest = find_schema(c_.node->op, newest_opset());
    ir::Attributes kept;
    for (const auto& [name, value] : c_.node->attributes.all()) {
      const SchemaAttribute* known = schema_->attribute(name);
      const SchemaAttribute* canonical = newest ? newest->attribute(name) : nullptr;
      const SchemaAttribute* meaning = known ? known : canonical;
      const bool says_nothing =
          meaning && !(known && mapping_.spell_out) && !meaning->required &&
          (is_default(*meaning, value) || (is_empty_list(value) && !meaning->has_default));
      if (says_nothing) continue;
      if (known == nullptr) {
        const int appears = first_opset_where(
            c_.node->op, c_.opset, [&](const Schema& s) { return s.attribute(name) != nullptr; });
        return c_.fail(fmt::format("its attribute {} = {} {}", name, ir::to_string(value),
                                   appears ? fmt::format("appears in opset {}", appears)
                                           : std::string("is not ONNX's")),
                       appears);
      }
      kept.set(name, value);
    }
    for (const SchemaAttribute& a : schema_->attributes()) {
      const bool graph = a.type == 5;
      if (a.required && !kept.find(a.name) && !(graph && c_.node->subgraph(a.name)))
        return c_.fail(fmt::format("its attribute {} is required at this opset", a.name));
    }
    c_.node->attributes = std::move(kept);
    return {};
  }

  ExportContext& c_;
  const Mapping& mapping_;
  const Schema* schema_ = nullptr;
};

class Lowering {
 public:
  Lowering(const LowerOptions& options, const ir::OpSet& ops, const Mappings& mappings)
      : options_(options), ops_(ops), mappings_(mappings) {}

  void run(ir::Graph& graph) {
    size_t before = 0;
    do {  // until nothing is left that was put somewhere else, as sizes of a graph around another
      before = done_.size();
      lower_graph(graph);
    } while (done_.size() != before);
  }

  // After dead nodes are gone: what has been composed.
  std::vector<Composition> composed(const ir::Graph& graph) {
    ir::for_each_node(graph, [&](const ir::Node& node) {
      if (const auto found = stands_for_.find(&node); found != stands_for_.end())
        ++composed_[found->second].nodes;
    });
    return std::move(composed_);
  }

  Status result() {
    if (problems_.empty()) return {};
    if (problems_.size() == 1) return fail(std::move(problems_.front()));
    Error error{.kind = ErrorKind::unsupported,
                .what = fmt::format("{} nodes cannot be written at opset {}", problems_.size(),
                                    options_.opset),
                .why = "the opset lacks what they need, and it cannot be composed there",
                .hint = "use a newer opset, or change the model"};
    error.details = std::move(problems_);
    return fail(std::move(error));
  }

 private:
  void lower_graph(ir::Graph& graph) {
    // Nodes that take a node's place, or that make an input for it, are inserted before it:
    // lowering goes on from there. What stands in for one node is bounded, as an operator cannot be
    // composed from itself.
    auto at = graph.nodes().begin();
    while (at != graph.nodes().end()) {
      ir::Node* node = at->get();
      if (done_.contains(node)) {
        for (const ir::Subgraph& sub : node->subgraphs) lower_graph(*sub.graph);
        ++at;
        continue;
      }
      const bool first = at == graph.nodes().begin();
      auto before = first ? at : std::prev(at);
      bool replaced = false;
      if (auto ok = lower_node(graph, node, replaced); !ok) {
        problems_.push_back(std::move(ok).error());
        replaced = false;
      }
      if (replaced) {
        attribute(*node, first ? graph.nodes().begin() : std::next(before), at);
        graph.erase(node);
      } else {
        done_.insert(node);
      }
      at = first ? graph.nodes().begin() : std::next(before);
    }
  }

  // Notes for what the nodes in [from, to) stand: the node, or what that one stands for already.
  template <class Iterator>
  void attribute(const ir::Node& node, Iterator from, Iterator to) {
    const auto known = stands_for_.find(&node);
    const size_t index = known == stands_for_.end() ? composition_of(node) : known->second;
    stands_for_.erase(&node);
    for (Iterator at = from; at != to; ++at) stands_for_.try_emplace(at->get(), index);
  }

  size_t composition_of(const ir::Node& node) {
    const std::string op = node.domain.empty() ? node.op : node.domain + "::" + node.op;
    const int appears = first_opset(node.op);
    std::string reason = !node.domain.empty()       ? "no operator of ONNX"
                         : appears > options_.opset ? fmt::format("appears in opset {}", appears)
                         : appears == 0             ? "no operator of ONNX"
                                                    : "lacks this form or these types";
    const auto same = std::ranges::find_if(
        composed_, [&](const Composition& c) { return c.op == op && c.reason == reason; });
    if (same != composed_.end()) {
      ++same->count;
      return static_cast<size_t>(same - composed_.begin());
    }
    composed_.push_back(
        {.op = op, .reason = std::move(reason), .count = 1, .nodes = 0, .where = node.where()});
    return composed_.size() - 1;
  }

  Status lower_node(ir::Graph& graph, ir::Node* node, bool& replaced) {
    ir::Builder builder(graph, ops_);
    builder.set_origin(node->origin);
    builder.insert_before(node);
    ExportContext context{.b = builder, .graph = graph, .node = node, .opset = options_.opset};
    const Mapping* mapping = mappings_.find(node->domain, node->op);
    if (mapping == nullptr) return context.fail("Tenon has no rule to write it");
    Fitter fitter(context, *mapping);
    if (node->domain.empty()) TRY(fitter.widen());
    if (!context.replaced && mapping->write) TRY(mapping->write(context));
    if (!context.replaced && node->domain.empty()) TRY(fitter.fit());
    if (!context.replaced && !node->domain.empty() && !options_.allow_tenon_domain)
      return context.fail(mapping->lacks.empty()
                              ? "it is no standard operator and cannot be composed from them"
                              : std::string(mapping->lacks));
    replaced = context.replaced;
    return {};
  }

  const LowerOptions& options_;
  const ir::OpSet& ops_;
  const Mappings& mappings_;
  std::unordered_set<const ir::Node*> done_;
  std::vector<Error> problems_;
  std::vector<Composition> composed_;
  std::unordered_map<const ir::Node*, size_t> stands_for_;  // index into composed_
};

}  // namespace

Result<std::vector<Composition>> lower(ir::Graph& graph, const LowerOptions& options,
                                       const ir::OpSet& ops, const Mappings& mappings) {
  Lowering lowering(options, ops, mappings);
  lowering.run(graph);
  TRY(lowering.result());
  graph.remove_dead();
  return lowering.composed(graph);
}

}  // namespace tenon::onnx
