#include "passes/precision_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "passes/narrow_constant.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

using Names = std::span<const std::string_view>;

bool is_one_of(const ir::Node& node, Names names) {
  return node.domain.empty() && std::ranges::find(names, node.op) != names.end();
}

// Operators that put elements elsewhere and compute none.
bool moves(const ir::Node& node) {
  static constexpr std::array<std::string_view, 17> kMoves = {
      "Concat",   "DepthToSpace", "Expand", "Flatten",   "Gather",   "GatherElements",
      "GatherND", "Identity",     "Pad",    "Reshape",   "Slice",    "SpaceToDepth",
      "Split",    "Squeeze",      "Tile",   "Transpose", "Unsqueeze"};
  return is_one_of(node, kMoves);
}

// Arithmetic of the kind that sizes, positions, coordinates and phases are computed with.
bool counts(const ir::Node& node) {
  static constexpr std::array<std::string_view, 24> kCounts = {
      "Abs",   "Add",  "Ceil", "Clip", "Div", "Exp",   "Floor",     "Log",
      "Max",   "Mean", "Min",  "Mod",  "Mul", "Neg",   "Pow",       "Reciprocal",
      "Round", "Sign", "Sqrt", "Sub",  "Sum", "Where", "ReduceMax", "ReduceMin"};
  return is_one_of(node, kCounts) || moves(node);
}

bool compares(const ir::Node& node) {
  static constexpr std::array<std::string_view, 5> kCompares = {
      "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"};
  return is_one_of(node, kCompares);
}

bool of_sequences(const ir::Node& node) {
  static constexpr std::array<std::string_view, 8> kSequences = {
      "ConcatFromSequence", "SequenceAt",     "SequenceConstruct", "SequenceEmpty",
      "SequenceErase",      "SequenceInsert", "SequenceLength",    "SplitToSequence"};
  return is_one_of(node, kSequences);
}

// Inputs that ONNX defines as f32, whatever the type of the others.
bool fixed(const ir::Node& node, size_t input) {
  return node.is("Resize") && (input == 1 || input == 2);
}

// Nodes that take a value for its sizes or for what kind of number it is, or that convert it.
bool takes_any(const ir::Node& node, size_t input) {
  static constexpr std::array<std::string_view, 6> kAny = {
      "Cast", "RandomNormalLike", "RandomUniformLike", "SequenceLength", "Shape", "Size"};
  return input == 0 && is_one_of(node, kAny);
}

constexpr std::string_view kPhase = "an angle loses its place in 16 bits",
                           kCoordinates = "coordinates in 16 bits miss their places",
                           kSpectrum = "spectra span more than 16 bits hold",
                           kMatrix = "matrices are decomposed and solved in fp32 only";

// Operators that stay in f32 everywhere.
std::string_view reason_of(const ir::Node& node) {
  struct Row {
    std::string_view op, reason;
  };
  static constexpr std::array<Row, 19> kRows = {{
      // A batch norm whose statistics are weights is none any more.
      {"BatchNormalization", "its variances lose digits in 16 bits"},
      {"BlackmanWindow", kSpectrum},
      {"Cos", kPhase},
      {"CumSum", "a running sum outgrows the digits of 16 bits"},
      {"DFT", kSpectrum},
      {"Det", kMatrix},
      {"GridSample", kCoordinates},
      {"HammingWindow", kSpectrum},
      {"HannWindow", kSpectrum},
      {"MaxRoiPool", kCoordinates},
      {"MelWeightMatrix", kSpectrum},
      {"NonMaxSuppression", "ONNX takes its boxes and scores in fp32 only"},
      {"Range", "positions beyond 2048 have no numbers of their own in 16 bits"},
      {"RoiAlign", kCoordinates},
      {"STFT", kSpectrum},
      {"Sin", kPhase},
      {"Tan", kPhase},
      {"tenon::Cumulate", "a running sum outgrows the digits of 16 bits"},
      {"tenon::HashTensor", "it takes the bits of fp32"},
  }};
  const std::string name = node.domain.empty() ? node.op : node.domain + "::" + node.op;
  const auto row = std::ranges::find(kRows, name, &Row::op);
  if (row != kRows.end()) return row->reason;
  return node.domain.empty() ? std::string_view() : "it is composed of operators in fp32";
}

// Inputs whose numbers must keep their places, back to where they come from.
std::vector<size_t> exact_inputs(const ir::Node& node) {
  if (node.is("Sin") || node.is("Cos") || node.is("Tan")) return {0};
  if (node.is("GridSample") || node.is("RoiAlign") || node.is("MaxRoiPool")) return {1};
  if (node.is("NonMaxSuppression")) return {0, 1};
  if (node.is("Range")) return {0, 1, 2};
  if (node.is("Resize")) return {1, 2};
  if (node.is("Cast") && is_integral(node.output(0)->dtype())) return {0};
  return {};
}

// Whether a constant here says how low or large something is at most, as masks do.
bool fills(const ir::Node& node, size_t input) {
  static constexpr std::array<std::string_view, 6> kAnywhere = {"Add", "Max", "Min",
                                                                "Mul", "Sub", "Sum"};
  if (is_one_of(node, kAnywhere)) return true;
  if (node.is("Where") || node.is("Clip")) return input > 0;
  if (node.is("Pad") || node.is("ScatterElements") || node.is("ScatterND")) return input == 2;
  if (node.is("Attention")) return input == 3;
  if (!moves(node)) return false;
  return std::ranges::all_of(node.outputs(), [](const ir::Value* out) {
    return std::ranges::all_of(out->uses,
                               [](const ir::Use& use) { return fills(*use.node, use.index); });
  });
}

bool is_f32_constant(const ir::Value* value) {
  return value->is_constant() && value->dtype() == DType::f32 && value->constant->has_data();
}

class Planner {
 public:
  Planner(const ir::Graph& graph, const ReducedPrecisionOptions& options)
      : graph_(graph), options_(options), nodes_(snapshot(graph)) {}

  PrecisionPlan run() {
    for (ir::Node* node : nodes_) keep(*node, own_reason(*node));
    find_counts();
    for (ir::Node* node : nodes_) keep_large_sizes(*node);
    for (ir::Node* node : nodes_) {
      if (compares(*node) && between_counts(*node)) {
        keep(*node, "it compares positions or sizes");
        for (size_t i = 0; i < node->inputs().size(); ++i) keep_sources(node->input(i), "position");
      }
      for (const size_t i : exact_inputs(*node)) keep_sources(node->input(i), purpose(*node));
    }
    for (const ir::Symbol& symbol : graph_.symbols) {
      if (symbol.axis < 0) keep_sources(symbol.source, "a size of the model");
    }
    for (ir::Node* node : nodes_) check_constants(*node);
    join_sequences();
    join_moves();
    return std::move(plan_);
  }

 private:
  static bool touches_f32(const ir::Node& node) {
    // Of an empty sequence the type is only in its attribute.
    if (node.is("SequenceEmpty")) return node.attributes.get<int64_t>("dtype", 1) == 1;
    const auto f32 = [](const ir::Value* v) { return v && holds_f32(v->type); };
    return std::ranges::any_of(node.inputs(), f32) || std::ranges::any_of(node.outputs(), f32);
  }

  bool keep(const ir::Node& node, std::string reason) {
    // Casts have the type that is wanted of them.
    if (reason.empty() || node.is("Cast") || !touches_f32(node)) return false;
    return plan_.kept.try_emplace(&node, std::move(reason)).second;
  }

  std::string own_reason(const ir::Node& node) const {
    if (options_.keep) {
      if (std::string reason = options_.keep(node); !reason.empty()) return reason;
    }
    if (const auto reason = reason_of(node); !reason.empty()) return std::string(reason);
    return refusal(node);
  }

  // What the form in which the graph is written does not take.
  std::string refusal(const ir::Node& node) const {
    if (!options_.refuses) return {};
    const auto refused = [&](const ir::Value* value, bool output, size_t i) -> std::string {
      if (!value || !holds_f32(value->type) || (!output && fixed(node, i))) return {};
      // Sequences pass through loops and branches as they are.
      if (!node.subgraphs.empty() && !value->type.is_tensor()) return {};
      return options_.refuses(node, output, i, with_elements_of(value->type, options_.type));
    };
    std::string reason;
    for (size_t i = 0; reason.empty() && i < node.inputs().size(); ++i)
      reason = refused(node.input(i), false, i);
    for (size_t i = 0; reason.empty() && i < node.outputs().size(); ++i)
      reason = refused(node.output(i), true, i);
    return reason;
  }

  // Values that are computed from integers alone, and those of them that are sizes.
  void find_counts() {
    for (const ir::Node* node : nodes_) {
      const bool number = node->is("Cast") && is_integral(node->input(0)->dtype());
      bool counted = number || node->is("Range");
      bool size = number && node->input(0)->contents && !node->input(0)->is_constant();
      if (!counted && (counts(*node) || node->is("MatMul") || node->is("Einsum"))) {
        for (const ir::Value* input : node->inputs()) {
          if (!input || input->dtype() != DType::f32 || input->is_constant()) continue;
          counted = counted_.contains(input);
          size |= sizes_.contains(input);
          if (!counted) break;
        }
      }
      if (!counted) continue;
      for (const ir::Value* output : node->outputs()) {
        counted_.insert(output);
        if (size) sizes_.insert(output);
      }
    }
  }

  // A size that meets other numbers: a sum over an image is divided by more than f16 can hold.
  void keep_large_sizes(const ir::Node& node) {
    if (options_.type != DType::f16 || !counts(node)) return;
    const bool meets = std::ranges::any_of(
        node.inputs(), [&](const ir::Value* v) { return v && sizes_.contains(v); });
    if (meets) keep(node, "a size may be larger than f16 holds");
  }

  bool between_counts(const ir::Node& node) const {
    const auto is_count = [&](const ir::Value* v) { return counted_.contains(v); };
    return std::ranges::any_of(node.inputs(), is_count) &&
           std::ranges::all_of(node.inputs(),
                               [&](const ir::Value* v) { return is_count(v) || v->is_constant(); });
  }

  static std::string_view purpose(const ir::Node& node) {
    if (node.is("Cast")) return "a number that becomes an integer";
    if (node.is("Sin") || node.is("Cos") || node.is("Tan")) return "an angle";
    return node.is("Range") ? "a position" : node.is("Resize") ? "a scale" : "coordinates";
  }

  // The arithmetic that gives a value, and what that takes, back to the first other operator.
  void keep_sources(const ir::Value* value, std::string_view what) {
    std::vector<const ir::Value*> todo{value};
    while (!todo.empty()) {
      const ir::Value* at = todo.back();
      todo.pop_back();
      if (!at || !holds_f32(at->type) || !at->producer) continue;
      const ir::Node& node = *at->producer;
      const bool products = node.is("MatMul") || node.is("Einsum");
      if (!counts(node) && !(products && (what == "an angle" || counted_.contains(at)))) continue;
      if (!visited_.insert(&node).second) continue;
      keep(node, fmt::format("it computes {}", what));
      for (const ir::Value* input : node.inputs()) todo.push_back(input);
    }
  }

  void check_constants(const ir::Node& node) {
    if (plan_.keeps(&node)) return;
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      const ir::Value* value = node.input(i);
      if (!value || fixed(node, i) || takes_any(node, i) || !is_f32_constant(value)) continue;
      if (check(node, *value->constant, value->name, fills(node, i), i)) return;
    }
    if (!node.is("ConstantOfShape") || node.output(0)->dtype() != DType::f32) return;
    if (const auto* value = std::get_if<Tensor>(node.attributes.find("value"))) {
      const bool mask = std::ranges::all_of(
          node.output(0)->uses, [](const ir::Use& use) { return fills(*use.node, use.index); });
      check(node, *value, {}, mask, 0);
    }
  }

  // Keeps a node whose constant says something else in the type. True where it was.
  bool check(const ir::Node& node, const Tensor& tensor, const std::string& name, bool mask,
             size_t input) {
    const Narrowing found = narrowing(tensor, options_.type);
    const std::string constant =
        name.empty() ? std::string("its constant") : fmt::format("its constant '{}'", name);
    const std::string_view type = tenon::name(options_.type);
    if (found.beyond != 0 && !found.only_limits && !(mask && found.only_low)) {
      keep(node, fmt::format("{} holds {:g}, and the largest of {} is {:g}", constant, found.beyond,
                             type, largest(options_.type)));
      follow(node, false);
      return true;
    }
    if (found.vanishes) {
      keep(node, fmt::format("{} {} {:g}, which is zero in {}", constant,
                             tensor.count() == 1 ? "is" : "holds numbers as small as", found.least,
                             type));
      follow(node, true);
      return true;
    }
    const bool scale = input == 1 && (node.is("QuantizeLinear") || node.is("DequantizeLinear"));
    if (scale && found.least < least_normal(options_.type)) {
      keep(node, fmt::format("its scale {:g} loses digits in {}", found.least, type));
      return true;
    }
    return false;
  }

  // What a constant gave that the type cannot hold goes on in f32 to where it takes effect: moves
  // up to the first arithmetic, and a small term up to where something is divided by it.
  void follow(const ir::Node& from, bool is_small) {
    static constexpr std::array<std::string_view, 7> kPassesOn = {"Add", "Clip", "Max",       "Pow",
                                                                  "Sub", "Sqrt", "Reciprocal"};
    if (!is_small && !moves(from)) return;
    for (const ir::Value* output : from.outputs()) {
      for (const ir::Use& use : output->uses) {
        const ir::Node& node = *use.node;
        if (&node == node.graph->result()) continue;
        const bool divided = (node.is("Div") && use.index == 1) || node.is("Log") ||
                             (node.is("Mul") && (from.is("Reciprocal") || from.is("Pow")));
        const bool goes_on = moves(node) || (is_small && is_one_of(node, kPassesOn));
        if (!goes_on && is_small && !divided) continue;
        const bool fresh =
            keep(node, is_small ? "a number that is zero in 16 bits keeps it from dividing by zero"
                                : "it takes numbers beyond the largest of the type");
        if (fresh && goes_on) follow(node, is_small);
      }
    }
  }

  // Sequences have one type in the whole model.
  void join_sequences() {
    const auto kept = std::ranges::find_if(
        nodes_, [&](const ir::Node* node) { return of_sequences(*node) && plan_.keeps(node); });
    if (kept == nodes_.end()) return;
    const std::string reason = plan_.kept.at(*kept);
    for (ir::Node* node : nodes_) {
      if (of_sequences(*node)) keep(*node, reason);
    }
  }

  // Moves between nodes in f32 need no casts around them.
  void join_moves() {
    std::unordered_set<const ir::Node*> wanted;
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
      const ir::Node* node = *it;
      if (!moves(*node) || plan_.keeps(node) || is_dead(*node)) continue;
      const bool all = std::ranges::all_of(node->outputs(), [&](const ir::Value* out) {
        return std::ranges::all_of(out->uses, [&](const ir::Use& use) {
          if (wanted.contains(use.node)) return true;
          if (use.node == graph_.result()) return io_type(options_, *out) == DType::f32;
          return plan_.keeps(use.node) || fixed(*use.node, use.index);
        });
      });
      if (all) wanted.insert(node);
    }
    for (const ir::Node* node : nodes_) {
      if (!wanted.contains(node)) continue;
      const bool from_f32 = std::ranges::all_of(node->inputs(), [&](const ir::Value* in) {
        if (!in || in->dtype() != DType::f32 || in->is_constant()) return true;
        if (in->producer) return plan_.keeps(in->producer) || is_free(*in->producer);
        return in->graph == &graph_ && io_type(options_, *in) == DType::f32;
      });
      if (from_f32 && !only_gives_weights(*node)) keep(*node, "what is around it is in fp32");
    }
  }

  // Weights that go to the model's outputs, rows of a table, are stored in the type.
  bool only_gives_weights(const ir::Node& node) const {
    return std::ranges::all_of(node.inputs(),
                               [](const ir::Value* in) {
                                 return !in || in->dtype() != DType::f32 || in->is_constant();
                               }) &&
           std::ranges::all_of(node.outputs(), [&](const ir::Value* out) {
             return std::ranges::all_of(
                 out->uses, [&](const ir::Use& use) { return use.node == graph_.result(); });
           });
  }

  // A cast to f32 from another type gives the type that is wanted.
  static bool is_free(const ir::Node& node) {
    return node.is("Cast") && node.input(0)->dtype() != DType::f32;
  }

  const ir::Graph& graph_;
  const ReducedPrecisionOptions& options_;
  std::vector<ir::Node*> nodes_;
  PrecisionPlan plan_;
  std::unordered_set<const ir::Value*> counted_, sizes_;
  std::unordered_set<const ir::Node*> visited_;
};

}  // namespace

bool holds_f32(const ir::Type& type) {
  if (type.is_tensor()) return type.dtype == DType::f32;
  return type.element && holds_f32(*type.element);
}

ir::Type with_elements_of(const ir::Type& f32, DType type) {
  ir::Type out = f32;
  if (out.is_tensor())
    out.dtype = type;
  else
    out.element = std::make_shared<const ir::Type>(with_elements_of(*f32.element, type));
  return out;
}

std::optional<DType> PrecisionPlan::wanted(const ir::Node& node, size_t input, DType type) const {
  if (takes_any(node, input)) return std::nullopt;
  return keeps(&node) || fixed(node, input) ? DType::f32 : type;
}

DType io_type(const ReducedPrecisionOptions& options, const ir::Value& value) {
  const auto found = options.io_of.find(value.name);
  return found == options.io_of.end() ? options.io : found->second;
}

PrecisionPlan plan_precision(const ir::Graph& graph, const ReducedPrecisionOptions& options) {
  return Planner(graph, options).run();
}

}  // namespace tenon::passes
