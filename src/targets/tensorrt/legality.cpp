#include "targets/tensorrt/legality.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "onnx/opset.h"
#include "targets/tensorrt/operators.h"
#include "targets/tensorrt/restrictions.h"

namespace tenon::tensorrt {
namespace {

constexpr size_t kMostAxes = 8;  // nvinfer1::Dims::MAX_DIMS

// Problems that are equal but for their place are one.
class Problems {
 public:
  void add(Error error) {
    const auto same = std::ranges::find_if(errors_, [&](const Counted& c) {
      return c.error.what == error.what && c.error.why == error.why;
    });
    if (same != errors_.end()) {
      ++same->count;
      return;
    }
    error.kind = ErrorKind::unsupported;
    errors_.push_back({std::move(error), 1});
  }

  Status result(const std::string& release) {
    if (errors_.empty()) return {};
    for (Counted& c : errors_) {
      if (c.count > 1) c.error.what += fmt::format(" ({} times, first here)", c.count);
    }
    if (errors_.size() == 1) return fail(std::move(errors_.front().error));
    Error all{
        .kind = ErrorKind::unsupported,
        .what = fmt::format("{} cannot take the model, for {} reasons", release, errors_.size()),
        .why = "it lacks operators, types or forms of operators that the model needs",
        .hint = "name another release, or change the model"};
    for (Counted& c : errors_) all.details.push_back(std::move(c.error));
    return fail(std::move(all));
  }

 private:
  struct Counted {
    Error error;
    size_t count;
  };
  std::vector<Counted> errors_;
};

// The parameters whose types the table's row is about: the main one and those of its type variable.
struct Main {
  std::string_view op;
  bool is_input;
  size_t index;
};
constexpr std::array kMains = {
    Main{"Where", true, 1},
    Main{"OneHot", true, 2},
    Main{"ConstantOfShape", false, 0},
    Main{"EyeLike", false, 0},
    Main{"RandomNormal", false, 0},
    Main{"RandomNormalLike", false, 0},
    Main{"RandomUniform", false, 0},
    Main{"RandomUniformLike", false, 0},
    Main{"BlackmanWindow", false, 0},
    Main{"HammingWindow", false, 0},
    Main{"HannWindow", false, 0},
};
// What there is to do about operators that have no like.
struct Alternative {
  std::string_view op;  // a last '*' stands for any ending
  std::string_view hint;
};
constexpr std::string_view kMask =
    "keep all elements and mask those that are not meant: it wants to know sizes from the sizes of "
    "inputs";
constexpr std::string_view kOneEachTurn =
    "add one tensor of a fixed size in every turn of a loop that has no other end than its count, "
    "which is written without a list; or write into a tensor";
constexpr std::array kAlternatives = {
    Alternative{"NonZero", kMask},
    Alternative{"Unique", kMask},
    Alternative{"Compress", kMask},
    Alternative{"NonMaxSuppression", "choose among the boxes after the engine has run"},
    Alternative{"Sequence*", kOneEachTurn},
    Alternative{"ConcatFromSequence", kOneEachTurn},
    Alternative{"SplitToSequence", "split into a fixed number of tensors"},
};
std::string_view alternative(std::string_view op) {
  for (const auto& [pattern, hint] : kAlternatives) {
    const bool any = pattern.ends_with('*');
    if (any ? op.starts_with(pattern.substr(0, pattern.size() - 1)) : op == pattern) return hint;
  }
  return "write the model with other operators";
}
// What these carry is judged where it is computed.
constexpr std::array<std::string_view, 3> kCarriers = {"If", "Loop", "Scan"};

std::vector<const ir::Value*> main_values(const ir::Node& node, int opset) {
  if (node.op == "Cast") return {node.input(0), node.output()};
  const auto found = std::ranges::find(kMains, node.op, &Main::op);
  const Main main = found == kMains.end() ? Main{node.op, true, 0} : *found;
  std::vector<const ir::Value*> out;
  const ir::Value* first = main.is_input ? node.input(main.index) : node.output(main.index);
  if (first != nullptr) out.push_back(first);
  const onnx::Schema* schema = onnx::find_schema(node.op, opset);
  if (schema == nullptr) return out;
  const onnx::SchemaParameter* parameter =
      main.is_input ? schema->input(main.index) : schema->output(main.index);
  if (parameter == nullptr || parameter->type_variable < 0) return out;
  const auto add = [&](const ir::Value* value, const onnx::SchemaParameter* p) {
    if (value && value != first && p && p->type_variable == parameter->type_variable)
      out.push_back(value);
  };
  for (size_t i = 0; i < node.inputs().size(); ++i) add(node.input(i), schema->input(i));
  for (size_t i = 0; i < node.outputs().size(); ++i) add(node.output(i), schema->output(i));
  return out;
}

class Check {
 public:
  Check(const Release& release, const LegalityOptions& options)
      : release_(release),
        options_(options),
        name_(name(release)),
        abilities_(abilities(release)) {}

  Status run(const ir::Graph& graph) {
    whole();
    for (const ir::Value* input : graph.inputs()) check_value(*input, {.node = input->name});
    ir::for_each_node(graph, [&](const ir::Node& node) { check_node(node); });
    return problems_.result(name_);
  }

 private:
  void whole() {
    if (options_.opset > abilities_.newest_opset) {
      problems_.add({.what = fmt::format("{} takes no opset {}", name_, options_.opset),
                     .why = fmt::format("opset {} is the newest that its parser knows",
                                        abilities_.newest_opset),
                     .hint = fmt::format("use --opset {}", abilities_.newest_opset)});
    }
    if (options_.dla && !abilities_.dla) {
      problems_.add({.what = fmt::format("{} has no DLA", name_),
                     .why = release_.family == Family::rtx
                                ? "TensorRT-RTX runs on GPUs alone"
                                : "10.7 was the last release with it until 11.4.1",
                     .hint = "name a release that has it, or leave DLA out"});
    }
  }

  void check_node(const ir::Node& node) {
    bool fit = true;
    for (const ir::Value* input : node.inputs()) {
      if (input && input->is_constant()) {
        fit &= check_value(*input, node.where());
        check_integers(node, *input);
      } else if (input) {
        fit &= !refused_.contains(input);
      }
    }
    // What the outputs are says no more where the inputs are refused, or the operator is.
    const OperatorRow* row = find(node);
    if (row == nullptr) {
      for (const ir::Value* output : node.outputs()) refused_.insert(output);
      return;
    }
    for (const ir::Value* output : node.outputs()) {
      if (fit) fit &= check_value(*output, node.where());
      if (!fit) refused_.insert(output);
    }
    if (fit) check_types(node, *row);
    if (std::string why = restricted(node, release_, options_.opset); !why.empty()) {
      problems_.add({.what = fmt::format("{} does not take this {}", name_, node.op),
                     .where = node.where(),
                     .why = std::move(why),
                     .hint = row->restriction.empty()
                                 ? "change the model there, or name another release"
                                 : fmt::format("it takes {} with {}", node.op, row->restriction)});
    }
  }

  const OperatorRow* find(const ir::Node& node) {
    if (!node.domain.empty()) {
      problems_.add({.what = fmt::format("{} has no {}::{}", name_, node.domain, node.op),
                     .where = node.where(),
                     .why = "it is no operator of ONNX",
                     .hint = "a plugin of TensorRT has to bring it"});
      return nullptr;
    }
    const OperatorRow* row = find_operator(node.op, release_);
    if (row != nullptr) return row;
    const auto first = first_release(node.op, release_.family);
    const bool later = release_.family == Family::tensorrt && first && *first > release_.version;
    problems_.add({.what = fmt::format("{} has no {}", name_, node.op),
                   .where = node.where(),
                   .why = later ? fmt::format("its parser takes it from {} on", first->str())
                          : release_.family == Family::rtx ? "its parser or its builder refuses it"
                                                           : "no release of TensorRT takes it",
                   .hint = way_around(node.op, later ? first->str() : "")});
    return nullptr;
  }

  // Below the opset that an operator appears in, it is written as others, where others can say it.
  std::string way_around(std::string_view op, const std::string& later) const {
    const int appears = onnx::first_opset(op);
    std::string out;
    if (appears > onnx::kOldestWritable && appears <= options_.opset)
      out =
          fmt::format("use --opset {}, which may compose it of other operators, or ", appears - 1);
    if (!later.empty()) return out + fmt::format("use TensorRT {} or newer", later);
    return out + std::string(alternative(op));
  }

  // Whether the release has such values at all.
  bool check_value(const ir::Value& value, const Where& where) {
    const std::string why = against(value);
    if (why.empty()) return true;
    refused_.insert(&value);
    problems_.add({.what = fmt::format("{} has no {}", name_, kind_of(value)),
                   .where = where,
                   .why = why,
                   .hint = hint_for(value)});
    return false;
  }

  std::string kind_of(const ir::Value& value) const {
    if (!value.type.is_tensor())
      return value.type.kind == ir::Type::Kind::sequence ? "sequences" : "optional values";
    if (!has(value.dtype())) return fmt::format("tensors of {}", tenon::name(value.dtype()));
    if (!value.rank()) return "tensors whose rank is not known";
    return fmt::format("tensors of rank {}", *value.rank());
  }

  std::string against(const ir::Value& value) const {
    if (!value.type.is_tensor()) return "its values are tensors";
    if (!has(value.dtype())) {
      if (value.dtype() == DType::f64) return "it would compute them as f32, without a word";
      if (value.dtype() == DType::undefined) return "nothing says the type";
      return "its types are " + to_string(types());
    }
    if (!value.rank()) return "it wants to know every tensor's rank when it builds";
    if (*value.rank() > kMostAxes) return fmt::format("it takes {} axes at most", kMostAxes);
    return {};
  }

  static std::string hint_for(const ir::Value& value) {
    if (value.type.is_tensor() && value.dtype() == DType::f64)
      return "cast to f32 in the model, so that it computes the same everywhere";
    if (value.type.is_tensor() && value.rank()) return "use other types or fewer axes there";
    return "change the model there";
  }

  TypeSet types() const {
    TypeSet out = kF32 | kF16 | kI8 | kI32 | kBool;
    if (abilities_.bf16) out |= kBF16;
    if (abilities_.fp8) out |= kF8;
    if (abilities_.fp4) out |= kF4;
    if (abilities_.int4) out |= kI4;
    if (abilities_.int64) out |= kI64;
    if (abilities_.uint8) out |= kU8;
    return out;
  }
  // As the release sees it: int64 is int32 where it has no int64.
  TypeSet seen_as(DType dtype) const {
    return dtype == DType::i64 && !abilities_.int64 ? kI32 : type_set(dtype);
  }
  bool has(DType dtype) const { return (seen_as(dtype) & types()) != 0; }

  void check_types(const ir::Node& node, const OperatorRow& row) {
    if (row.types == 0 || std::ranges::find(kCarriers, node.op) != kCarriers.end()) return;
    for (const ir::Value* value : main_values(node, options_.opset)) {
      if (value == nullptr || (seen_as(value->dtype()) & row.types) != 0) continue;
      // 8.x computes sizes, small integers, whatever its tables list for the operator.
      const bool sizes =
          !abilities_.int64 && seen_as(value->dtype()) == kI32 && value->rank().value_or(2) <= 1;
      if (sizes) continue;
      problems_.add(
          {.what = fmt::format("{} takes no {} of {}", name_, node.op, tenon::name(value->dtype())),
           .where = node.where(),
           .why = fmt::format("it takes {}", to_string(row.types)),
           .hint = "cast to one of these types in the model"});
      return;
    }
  }

  // int64 becomes int32, numbers beyond that are clamped.
  void check_integers(const ir::Node& node, const ir::Value& value) {
    if (abilities_.int64 || value.dtype() != DType::i64 || !value.constant->has_data()) return;
    // Ends of slices and trip counts that mean "all of it" mean the same clamped.
    if (node.op == "Slice" || node.op == "Loop") return;
    using Limits = std::numeric_limits<int32_t>;
    for (const int64_t number : value.constant->values<int64_t>()) {
      if (number >= Limits::min() && number <= Limits::max()) continue;
      problems_.add({.what = fmt::format("{} has no integer {}", name_, number),
                     .where = node.where(),
                     .why = "it makes int32 of int64, and the largest int32 of what is larger",
                     .hint = "use smaller numbers, or TensorRT 10.0 or newer"});
      return;
    }
  }

  const Release& release_;
  const LegalityOptions& options_;
  std::string name_;
  Abilities abilities_;
  Problems problems_;
  std::unordered_set<const ir::Value*> refused_;
};

}  // namespace

Status check(const ir::Graph& lowered, const Release& release, const LegalityOptions& options) {
  return Check(release, options).run(lowered);
}

}  // namespace tenon::tensorrt
