// Sources: docs/operators.md and the importers of onnx-tensorrt release by release (those of 8.2 to
// 10.1 are public), its Changelog for the releases between two tables, and for TensorRT-RTX what
// 1.7.1 says, parser and builder.
#include "targets/tensorrt/restrictions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <map>
#include <set>

#include "onnx/mapping.h"

namespace tenon::tensorrt {
namespace {

using ir::Node;
using ir::Value;
using Reason = std::string;

constexpr size_t kMostAxes = 8;
constexpr int kOpen = std::numeric_limits<int>::max();
// Releases of TensorRT, as major * 100 + minor, and whether TensorRT-RTX is one of them.
struct Span {
  int from = 0, until = kOpen;
  bool rtx = true;
};
constexpr Span kAlways{};
constexpr Span kTensorrt{.rtx = false};
constexpr Span kRtxAlone{.from = kOpen};
constexpr Span before(int release) { return {.until = release, .rtx = false}; }
constexpr Span from(int release) { return {.from = release, .rtx = false}; }

// --- words of the checks

int64_t integer(const Node& node, std::string_view name, int64_t fallback) {
  return node.attributes.get<int64_t>(name, fallback);
}
std::string word(const Node& node, std::string_view name, std::string_view fallback) {
  return node.attributes.get<std::string>(name, std::string(fallback));
}

bool is_known(const Value* value) {
  return value == nullptr || value->is_constant() || onnx::constant_ints(value).has_value();
}
Reason wants_constant(const Node& node, size_t input, std::string_view what) {
  if (is_known(node.input(input))) return {};
  return fmt::format("its {} has to be a constant, and is computed here", what);
}

Reason wants_rank(const Value* value, size_t least, size_t most) {
  if (value == nullptr || !value->rank() || (*value->rank() >= least && *value->rank() <= most))
    return {};
  if (least == most)
    return fmt::format("it takes rank {}, and this is of rank {}", least, *value->rank());
  return fmt::format("it takes ranks {} to {}, and this is of rank {}", least, most,
                     *value->rank());
}

Reason wants_fixed_shape(const Value* value) {
  if (value == nullptr || !value->shape()) return {};
  const auto fixed = [](const ir::Dim& d) { return d.is_constant(); };
  if (std::ranges::all_of(*value->shape(), fixed)) return {};
  return fmt::format("it takes fixed sizes alone, and this is {}", value->type.str());
}

bool is_used(const Node& node, size_t output) {
  return output < node.outputs().size() && !node.output(output)->uses.empty();
}
Reason wants_one_output(const Node& node) {
  for (size_t i = 1; i < node.outputs().size(); ++i) {
    if (is_used(node, i))
      return fmt::format("it gives its first output alone, and output {} is used", i);
  }
  return {};
}

Reason wants_absent(const Node& node, size_t input, std::string_view what) {
  return node.input(input) == nullptr ? Reason{} : fmt::format("it has no {}", what);
}

Reason wants(const Node& node, std::string_view name, int64_t fallback, int64_t only) {
  const int64_t value = integer(node, name, fallback);
  return value == only ? Reason{}
                       : fmt::format("it takes {} = {} alone, and this has {}", name, only, value);
}
Reason wants_word(const Node& node, std::string_view name, std::string_view fallback,
                  std::initializer_list<std::string_view> words) {
  const std::string value = word(node, name, fallback);
  if (std::ranges::find(words, value) != words.end()) return {};
  return fmt::format("its {} is '{}', and it takes {} alone", name, value, fmt::join(words, ", "));
}

// The first reason of several.
Reason any(std::initializer_list<Reason> reasons) {
  for (const Reason& reason : reasons) {
    if (!reason.empty()) return reason;
  }
  return {};
}

// --- convolution and pooling

// One to three spatial axes: the importers make two of one.
Reason spatial(const Node& node, int) { return wants_rank(node.input(0), 3, 5); }

Reason pooling(const Node& node, int opset) {
  const auto dilations = node.attributes.get<std::vector<int64_t>>("dilations", {});
  const bool dilated = std::ranges::any_of(dilations, [](int64_t d) { return d != 1; });
  return any({spatial(node, opset), dilated ? Reason("it has no dilations") : Reason{}});
}
Reason max_pool(const Node& node, int) {
  return is_used(node, 1) ? Reason("it gives no indices, and they are used") : Reason{};
}
Reason norm_order(const Node& node, int) {
  const int64_t p = integer(node, "p", 2);
  return p == 1 || p == 2 ? Reason{}
                          : fmt::format("it takes p = 1 and 2 alone, and this has {}", p);
}
Reason constant_weights(const Node& node, int) { return wants_constant(node, 1, "weights"); }
Reason constant_bias(const Node& node, int) { return wants_constant(node, 2, "bias"); }
Reason pads_in_front(const Node& node, int) {
  const auto pads = node.attributes.get<std::vector<int64_t>>("pads", {});
  const auto half = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
  const bool negative = std::any_of(pads.begin(), half, [](int64_t p) { return p < 0; });
  return negative ? Reason("it takes no negative padding in front") : Reason{};
}
Reason deformed(const Node& node, int) {
  const auto pads = node.attributes.get<std::vector<int64_t>>("pads", {});
  const auto half = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
  const bool same = std::equal(pads.begin(), half, half, pads.end());
  return any(
      {wants_rank(node.input(0), 3, 4),
       same ? Reason{} : Reason("it takes the same padding before and after an axis alone")});
}

// --- normalisation

Reason evaluated(const Node& node, int) { return wants(node, "training_mode", 0, 0); }
Reason constant_affine(const Node& node, int) {
  return any({wants_constant(node, 1, "scale"), wants_constant(node, 2, "bias"),
              wants_rank(node.input(0), 3, 5)});
}
Reason one_output(const Node& node, int) { return wants_one_output(node); }
// Opset 21 scales channels, the opsets before it groups.
Reason scales_groups(const Node& node, int opset) {
  const Value* scale = node.input(1);
  if (opset < 21 || scale == nullptr || scale->rank() != 1) return {};
  if (scale->shape()->front().is(integer(node, "num_groups", 0))) return {};
  return "it scales groups, and from opset 21 on channels are scaled";
}

// --- resizing and sampling

Reason coordinates(const Node& node, int) {
  const std::string mode = word(node, "mode", "nearest");
  const std::string how = word(node, "coordinate_transformation_mode", "half_pixel");
  if (mode == "nearest" && how == "tf_half_pixel_for_nn" &&
      word(node, "nearest_mode", "round_prefer_floor") != "round_prefer_floor")
    return "with tf_half_pixel_for_nn it rounds to nearest in one way, round_prefer_floor";
  return wants_word(
      node, "coordinate_transformation_mode", "half_pixel",
      {"half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners"});
}
Reason not_cubic(const Node& node, int) {
  return wants_word(node, "mode", "nearest", {"nearest", "linear"});
}
Reason cubic_plane(const Node& node, int) {
  const Value* scales = node.input(2);
  if (word(node, "mode", "nearest") != "cubic" || scales == nullptr || !scales->is_constant() ||
      scales->dtype() != DType::f32)
    return {};
  const auto factors = scales->constant->values<float>();
  for (size_t i = 0; i + 2 < factors.size(); ++i) {
    if (factors[i] != 1) return "it resizes the last two axes alone with mode 'cubic'";
  }
  return {};
}
Reason plain_resize(const Node& node, int) {
  return any({wants(node, "antialias", 0, 0),
              wants_word(node, "keep_aspect_ratio_policy", "stretch", {"stretch"})});
}
// Its parser takes the sizes of the other axes from the input's type, where a dynamic one is -1.
Reason other_axes_fixed(const Node& node, int) {
  const auto axes = node.attributes.get<std::vector<int64_t>>("axes", {});
  const std::optional<ir::Shape> shape = node.input(0) ? node.input(0)->shape() : std::nullopt;
  if (axes.empty() || node.input(3) == nullptr || !shape) return {};
  const auto rank = static_cast<int64_t>(shape->size());
  for (int64_t axis = 0; axis < rank; ++axis) {
    const bool resized =
        std::ranges::any_of(axes, [&](int64_t a) { return a == axis || a + rank == axis; });
    if (!resized && !(*shape)[static_cast<size_t>(axis)].constant())
      return "it takes sizes of some axes only where the others are fixed";
  }
  return {};
}
Reason all_axes_scaled(const Node& node, int) {
  const auto axes = node.attributes.get<std::vector<int64_t>>("axes", {});
  const bool by_scales = node.input(2) != nullptr && node.input(3) == nullptr;
  const auto rank = node.input(0) ? node.input(0)->rank() : std::nullopt;
  if (axes.empty() || !by_scales || !rank) return {};
  for (size_t i = 0; i < *rank; ++i) {
    if (axes.size() != *rank || axes[i] != static_cast<int64_t>(i))
      return "it takes scales of all axes, in their order, alone";
  }
  return {};
}
Reason constant_scales(const Node& node, int) {
  return node.input(3) == nullptr ? wants_constant(node, 2, "scales") : Reason{};
}
Reason grid_of_a_plane(const Node& node, int) { return wants_rank(node.input(0), 4, 4); }
Reason roi_mode(const Node& node, int) {
  return any({wants_word(node, "mode", "avg", {"avg", "max"}),
              wants_word(node, "coordinate_transformation_mode", "half_pixel",
                         {"half_pixel", "output_half_pixel"})});
}

// --- shapes and indices

Reason constant_axes_1(const Node& node, int) { return wants_constant(node, 1, "axes"); }
Reason constant_axes_3(const Node& node, int) { return wants_constant(node, 3, "axes"); }
Reason named_axes(const Node& node, int) {
  const bool named = node.input(1) != nullptr || node.attributes.find("axes") != nullptr;
  if (named || wants_fixed_shape(node.input(0)).empty()) return {};
  return "its axes have to be named where sizes are dynamic";
}
Reason no_scalar(const Node& node, int) { return wants_rank(node.input(0), 1, kMostAxes); }
Reason no_vector(const Node& node, int) { return wants_rank(node.input(0), 2, kMostAxes); }
Reason no_wrapping(const Node& node, int) {
  return wants_word(node, "mode", "constant", {"constant", "reflect", "edge"});
}
Reason constant_axis(const Node& node, int) { return wants_constant(node, 1, "axis"); }
Reason constant_k(const Node& node, int) { return wants_constant(node, 1, "k"); }
Reason bounded_k(const Node& node, int) {
  const auto k = onnx::constant_ints(node.input(1));
  if (!k || k->empty() || k->front() <= kMostFound) return {};
  return fmt::format("it finds {} elements at most, and this asks for {}", kMostFound, k->front());
}
Reason sorted(const Node& node, int) { return wants(node, "sorted", 1, 1); }
Reason no_reduction(const Node& node, int) {
  return wants_word(node, "reduction", "none", {"none"});
}
Reason constant_depth(const Node& node, int) { return wants_constant(node, 1, "depth"); }
Reason fixed_shape(const Node& node, int) { return wants_fixed_shape(node.input(0)); }
Reason fixed_axis(const Node& node, int) {
  const auto& shape = node.input(0)->shape();
  if (!shape || shape->empty()) return {};
  const int64_t axis = integer(node, "axis", -1);
  const auto at = static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(shape->size()) : axis);
  if (at >= shape->size() || (*shape)[at].is_constant()) return {};
  return "the size along its axis has to be fixed";
}
Reason constant_floats(const Node& node, int) {
  if (!is_floating(node.output()->dtype())) return {};
  return any({wants_constant(node, 0, "start"), wants_constant(node, 1, "limit"),
              wants_constant(node, 2, "step")});
}
Reason padded_boxes(const Node&, int) {
  return "it gives a fixed number of boxes, filled up with others, where ONNX gives those alone "
         "that were kept";
}

// --- types

// Constants of small integers are numbers that stand for others, or are widened while their
// operators are not.
Reason small_constants(const Node& node, int) {
  if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear" || node.op == "Clip") return {};
  for (const Value* input : node.inputs()) {
    if (input == nullptr || !input->is_constant()) continue;
    if (input->dtype() == DType::i8)
      return "it takes constants of i8 for DequantizeLinear alone: they are quantised numbers to "
             "it";
    if (input->dtype() == DType::u8) return "it makes i32 of constants of u8, and nothing else";
  }
  return {};
}
Reason saturating(const Node& node, int) {
  const DType to = node.output()->dtype();
  if (to != DType::f8e4m3fn || integer(node, "saturate", 1) != 0) return {};
  return "it makes the largest f8e4m3fn of what is larger, and this asks for no number";
}
Reason no_bytes(const Node& node, int) {
  return node.input(0)->dtype() == DType::u8 ? Reason("it takes no u8 there") : Reason{};
}
Reason constant_byte_bounds(const Node& node, int) {
  if (node.input(0)->dtype() != DType::i8) return {};
  return any({wants_constant(node, 1, "least number"), wants_constant(node, 2, "largest number")});
}

// --- quantisation

Reason zero_point(const Node& node, int) {
  const Value* zero = node.input(2);
  if (zero == nullptr) return {};
  if (!zero->is_constant()) return "its zero point has to be a constant 0, and is computed here";
  const auto is_zero = [](std::byte b) { return b == std::byte{}; };
  if (std::ranges::all_of(zero->constant->bytes(), is_zero)) return {};
  return "its zero point has to be 0: TensorRT quantises symmetrically";
}
template <DType... kTypes>
Reason quantised_as(const Node& node, int) {
  const DType to = node.output()->dtype();
  if (((to == kTypes) || ...)) return {};
  return fmt::format("it quantises to {}, and this is {}",
                     fmt::join(std::array{tenon::name(kTypes)...}, ", "), tenon::name(to));
}

// --- recurrence

Reason same_activations(const Node& node, int) {
  if (word(node, "direction", "forward") != "bidirectional") return {};
  const auto names = node.attributes.get<std::vector<std::string>>("activations", {});
  const auto half = names.begin() + static_cast<std::ptrdiff_t>(names.size() / 2);
  if (std::equal(names.begin(), half, half, names.end())) return {};
  return "it takes the same activations in both directions alone";
}
Reason forgets_apart(const Node& node, int) { return wants(node, "input_forget", 0, 0); }
// No parser looks at it: what is computed otherwise would be taken.
Reason steps_first(const Node& node, int) { return wants(node, "layout", 0, 0); }

// --- products, transforms, attention

// Which sizes stand for one letter, operand by operand.
Reason plain_einsum(const Node& node, int) {
  std::string equation = word(node, "equation", "");
  std::erase(equation, ' ');
  if (equation.find('.') != std::string::npos) return "it takes no ellipsis";
  std::map<char, ir::Dim> sizes;
  std::set<char> seen;
  size_t operand = 0, axis = 0;
  for (const char c : equation.substr(0, equation.find("->"))) {
    if (c == ',') {
      seen.clear();
      ++operand;
      axis = 0;
      continue;
    }
    if (!seen.insert(c).second)
      return fmt::format("it takes no diagonal, and '{}' stands twice", c);
    const Value* value = node.input(operand);
    if (value == nullptr || !value->shape() || axis >= value->shape()->size()) return {};
    const ir::Dim size = (*value->shape())[axis++];
    const auto [known, first] = sizes.try_emplace(c, size);
    if (!first && known->second.is(1) != size.is(1))
      return fmt::format("it does not broadcast, as '{}' asks for", c);
  }
  return {};
}
Reason small_letters(const Node& node, int) {
  const std::string equation = word(node, "equation", "");
  const auto capital = [](unsigned char c) { return std::isupper(c) != 0; };
  return std::ranges::any_of(equation, capital) ? Reason("it takes small letters alone") : Reason{};
}
Reason constant_frames(const Node& node, int) {
  return any({wants_constant(node, 1, "frame_step"), wants_constant(node, 2, "window")});
}
Reason heads_apart(const Node& node, int) {
  return any({wants_rank(node.input(0), 4, 4), wants_rank(node.input(3), 4, 4)});
}
Reason plain_attention(const Node& node, int) {
  const bool capped = node.attributes.get<float>("softcap", 0.0F) != 0;
  const bool masked = node.input(3) != nullptr && integer(node, "is_causal", 0) != 0;
  return any({wants_absent(node, 4, "past keys"), wants_absent(node, 5, "past values"),
              wants_absent(node, 6, "count of valid keys"), wants_one_output(node),
              capped ? Reason("it has no softcap") : Reason{},
              masked ? Reason("it takes a mask or is_causal, not both") : Reason{}});
}
// Its engines have no other kind of attention than the fused one (1.7.1).
Reason fused_attention(const Node& node, int) {
  const auto& shape = node.input(0)->shape();
  if (!shape || shape->size() < 3 || shape->size() > 4) return {};
  const bool apart = shape->size() == 4;
  const int64_t count =
      apart ? (*shape)[1].constant().value_or(0) : integer(node, "q_num_heads", 0);
  if ((*shape)[0].is(1) && count == 1) return "it takes two heads or more, over all batches";
  std::optional<int64_t> size = shape->back().constant();
  if (size && !apart) size = count > 0 ? std::optional(*size / count) : std::nullopt;
  if (!size || (*size > 8 && *size <= 256)) return {};
  return fmt::format("its heads have more than 8 elements and up to 256, and these {}", *size);
}
Reason long_positions(const Node& node, int) {
  const Value* positions = node.input(3);
  if (positions == nullptr || positions->dtype() == DType::i64) return {};
  return fmt::format("its positions are i64, and these are {}", tenon::name(positions->dtype()));
}
Reason cache_rows(const Node& node, int) {
  return any({wants_rank(node.input(0), 4, 4), wants(node, "axis", -2, -2),
              wants_word(node, "mode", "linear", {"linear"})});
}

// --- control flow

// Values above this mean "no limit" to the importer.
bool limits_nothing(const Value* trips) {
  const auto known = trips ? onnx::constant_ints(trips) : std::nullopt;
  return trips == nullptr ||
         (known && !known->empty() && known->front() >= std::numeric_limits<int32_t>::max());
}
// The index of the first scan output, where it has any that are used.
bool collects(const Node& node) {
  const size_t carried = node.inputs().size() > 2 ? node.inputs().size() - 2 : 0;
  for (size_t i = carried; i < node.outputs().size(); ++i) {
    if (is_used(node, i)) return true;
  }
  return false;
}
Reason counted(const Node& node, int) {
  if (!collects(node) || !limits_nothing(node.input(0))) return {};
  return "it collects values of every turn, and no trip count says how many there are";
}
Reason count_known(const Node& node, int) {
  if (!collects(node) || is_known(node.input(0))) return {};
  return "it collects values of every turn, and their number is not fixed";
}
Reason condition_given(const Node& node, int) {
  const ir::Graph* body = node.subgraph("body");
  const bool used = body && body->inputs().size() > 1 && !body->inputs()[1]->uses.empty();
  return node.input(1) || !used ? Reason{}
                                : Reason("its condition is left out though its body uses it");
}
Reason carries_one_shape(const Node& node, int) {
  const ir::Graph* body = node.subgraph("body");
  for (size_t i = 2; body && i < node.inputs().size() && i < body->inputs().size(); ++i) {
    if (i - 1 >= body->outputs().size()) break;
    const auto& in = body->inputs()[i]->shape();
    const auto& out = body->outputs()[i - 1]->shape();
    if (!in || !out) continue;
    bool same = in->size() == out->size();
    for (size_t axis = 0; same && axis < in->size(); ++axis) {
      const auto a = (*in)[axis].constant(), b = (*out)[axis].constant();
      same = !a || !b || *a == *b;
    }
    if (!same) return fmt::format("the value that it carries as input {} changes its shape", i);
  }
  return {};
}
Reason branches_alike(const Node& node, int) {
  const ir::Graph *yes = node.subgraph("then_branch"), *no = node.subgraph("else_branch");
  if (yes == nullptr || no == nullptr) return {};
  const size_t count = std::min(yes->outputs().size(), no->outputs().size());
  for (size_t i = 0; i < count; ++i) {
    const auto a = yes->outputs()[i]->rank(), b = no->outputs()[i]->rank();
    if (a && b && *a != *b)
      return fmt::format("its branches give ranks {} and {} as output {}", *a, *b, i);
  }
  return {};
}

struct Restriction {
  std::string_view op;  // a last '*' stands for any ending
  Span span;
  Reason (*against)(const Node&, int opset);
};

constexpr std::array kRestrictions = {
    Restriction{"*", kRtxAlone, &small_constants},
    Restriction{"Cast", kAlways, &saturating},
    Restriction{"QuantizeLinear", kAlways, &saturating},
    Restriction{"Greater*", kRtxAlone, &no_bytes},
    Restriction{"Less*", kRtxAlone, &no_bytes},
    Restriction{"Max", kRtxAlone, &no_bytes},
    Restriction{"Min", kRtxAlone, &no_bytes},
    Restriction{"Clip", kRtxAlone, &constant_byte_bounds},

    Restriction{"AveragePool", kAlways, &pooling},
    Restriction{"LpPool", kAlways, &pooling},
    Restriction{"LpPool", kAlways, &norm_order},
    Restriction{"LpNormalization", kAlways, &norm_order},
    Restriction{"MaxPool", kAlways, &pooling},
    Restriction{"MaxPool", kAlways, &max_pool},
    Restriction{"Conv", kAlways, &spatial},
    Restriction{"Conv", before(805), &constant_weights},
    Restriction{"Conv", kTensorrt, &constant_bias},
    Restriction{"ConvTranspose", kAlways, &spatial},
    Restriction{"ConvTranspose", before(805), &constant_weights},
    Restriction{"ConvTranspose", before(805), &constant_bias},
    Restriction{"ConvTranspose", kAlways, &pads_in_front},
    Restriction{"DeformConv", kAlways, &deformed},

    Restriction{"BatchNormalization", kAlways, &evaluated},
    Restriction{"GroupNormalization", before(1009), &scales_groups},
    Restriction{"InstanceNormalization", before(806), &constant_affine},
    Restriction{"LayerNormalization", kAlways, &one_output},

    Restriction{"Resize", before(805), &not_cubic},
    Restriction{"Resize", kAlways, &cubic_plane},
    Restriction{"Resize", kAlways, &coordinates},
    Restriction{"Resize", kAlways, &plain_resize},
    Restriction{"Resize", kAlways, &all_axes_scaled},
    Restriction{"Resize", kAlways, &other_axes_fixed},
    Restriction{"Resize", before(804), &constant_scales},
    Restriction{"Resize", kRtxAlone, &constant_scales},
    Restriction{"GridSample", kTensorrt, &grid_of_a_plane},
    Restriction{"RoiAlign", kAlways, &roi_mode},

    Restriction{"Squeeze", kAlways, &constant_axes_1},
    Restriction{"Squeeze", before(1105), &named_axes},
    Restriction{"Squeeze", kRtxAlone, &named_axes},
    Restriction{"Unsqueeze", kAlways, &constant_axes_1},
    Restriction{"Reduce*", kAlways, &constant_axes_1},
    Restriction{"Reduce*", kAlways, &no_scalar},
    Restriction{"ArgMax", kRtxAlone, &no_vector},
    Restriction{"ArgMin", kRtxAlone, &no_vector},
    Restriction{"Softmax", kRtxAlone, &no_vector},
    Restriction{"LogSoftmax", kRtxAlone, &no_vector},
    Restriction{"Slice", before(1003), &constant_axes_3},
    Restriction{"Pad", before(1004), &constant_axes_3},
    Restriction{"Pad", before(1000), &no_wrapping},
    Restriction{"CumSum", kAlways, &constant_axis},
    Restriction{"TopK", before(806), &constant_k},
    Restriction{"TopK", kAlways, &bounded_k},
    Restriction{"TopK", from(1001), &sorted},
    Restriction{"ScatterElements", before(1000), &no_reduction},
    Restriction{"ScatterElements", kRtxAlone, &no_reduction},
    Restriction{"ScatterND", kAlways, &no_reduction},
    Restriction{"OneHot", kAlways, &constant_depth},
    Restriction{"EyeLike", kAlways, &fixed_shape},
    Restriction{"ReverseSequence", before(806), &fixed_shape},
    Restriction{"Hardmax", kTensorrt, &fixed_axis},
    Restriction{"Range", before(804), &constant_floats},
    Restriction{"Range", kRtxAlone, &constant_floats},
    Restriction{"NonMaxSuppression", before(805), &padded_boxes},

    Restriction{"QuantizeLinear", kAlways, &zero_point},
    Restriction{"QuantizeLinear", before(900), &quantised_as<DType::i8>},
    Restriction{"QuantizeLinear",
                {.from = 900, .until = 1000, .rtx = false},
                &quantised_as<DType::i8, DType::f8e4m3fn>},
    Restriction{"QuantizeLinear",
                {.from = 1000, .until = 1008, .rtx = false},
                &quantised_as<DType::i8, DType::f8e4m3fn, DType::i4>},
    Restriction{"QuantizeLinear",
                {.from = 1008},
                &quantised_as<DType::i8, DType::f8e4m3fn, DType::i4, DType::f4e2m1>},
    Restriction{"DequantizeLinear", kAlways, &zero_point},

    Restriction{"GRU", kAlways, &same_activations},
    Restriction{"GRU", kAlways, &steps_first},
    Restriction{"LSTM", kAlways, &same_activations},
    Restriction{"LSTM", kAlways, &forgets_apart},
    Restriction{"LSTM", kAlways, &steps_first},
    Restriction{"RNN", kAlways, &same_activations},
    Restriction{"RNN", kAlways, &steps_first},

    Restriction{"Einsum", before(1012), &plain_einsum},
    Restriction{"Einsum", kTensorrt, &small_letters},
    Restriction{"STFT", kAlways, &constant_frames},
    Restriction{"Attention", kTensorrt, &heads_apart},
    Restriction{"Attention", kAlways, &plain_attention},
    Restriction{"Attention", kRtxAlone, &fused_attention},
    Restriction{"RotaryEmbedding", kAlways, &long_positions},
    Restriction{"TensorScatter", kAlways, &cache_rows},

    Restriction{"Loop", kAlways, &counted},
    Restriction{"Loop", from(1001), &count_known},
    Restriction{"Loop", kRtxAlone, &condition_given},
    Restriction{"Loop", kAlways, &carries_one_shape},
    Restriction{"If", kAlways, &branches_alike},
};

bool holds(const Span& span, const Release& release) {
  if (release.family == Family::rtx) return span.rtx;
  const int number = release.version.major * 100 + release.version.minor;
  return number >= span.from && number < span.until;
}

bool is_about(std::string_view pattern, std::string_view op) {
  if (!pattern.ends_with('*')) return pattern == op;
  return op.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

std::string restricted(const ir::Node& node, const Release& release, int opset) {
  for (const Restriction& r : kRestrictions) {
    if (!is_about(r.op, node.op) || !holds(r.span, release)) continue;
    if (Reason reason = r.against(node, opset); !reason.empty()) return reason;
  }
  return {};
}

}  // namespace tenon::tensorrt
