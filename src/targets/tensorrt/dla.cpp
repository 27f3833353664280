// Source: "DLA Supported Layers and Restrictions" of TensorRT's developer guide. It is one list for
// all releases here: older ones have fewer layers, so that more may fall back than is said.
#include "targets/tensorrt/dla.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "onnx/mapping.h"

namespace tenon::tensorrt {
namespace {

using ir::Node;
using ir::Value;
using Reason = std::string;

constexpr int64_t kMostBatches = 4096, kMostSize = 8192;

std::vector<int64_t> ints(const Node& node, std::string_view name) {
  return node.attributes.get<std::vector<int64_t>>(name, {});
}
Reason within(const Node& node, std::string_view name, int64_t least, int64_t most) {
  for (const int64_t v : ints(node, name)) {
    if (v < least || v > most) return fmt::format("its {} go from {} to {}", name, least, most);
  }
  return {};
}
Reason any(std::initializer_list<Reason> reasons) {
  for (const Reason& reason : reasons) {
    if (!reason.empty()) return reason;
  }
  return {};
}

Reason plane(const Node& node) {
  const auto rank = node.input(0) ? node.input(0)->rank() : std::nullopt;
  return rank == 4 ? Reason{} : Reason("it takes tensors of rank 4, with two spatial axes");
}
Reason constant_weights(const Node& node) {
  return node.input(1) && node.input(1)->is_constant() ? Reason{}
                                                       : Reason("its weights have to be constant");
}
Reason convolution(const Node& node) {
  return any({plane(node), constant_weights(node), within(node, "kernel_shape", 1, 32),
              within(node, "pads", 0, 31), within(node, "strides", 1, 8),
              within(node, "dilations", 1, 32)});
}
Reason deconvolution(const Node& node) {
  const bool grouped = node.attributes.get<int64_t>("group", 1) != 1;
  return any({plane(node), constant_weights(node), within(node, "kernel_shape", 1, 32),
              within(node, "pads", 0, 0), within(node, "dilations", 1, 1),
              grouped ? Reason("it has no groups there") : Reason{}});
}
Reason pooling(const Node& node) {
  return any({plane(node), within(node, "kernel_shape", 1, 8), within(node, "pads", 0, 7),
              within(node, "strides", 1, 16)});
}
Reason global_pooling(const Node& node) {
  if (Reason reason = plane(node); !reason.empty()) return reason;
  for (size_t axis = 2; axis < 4; ++axis) {
    const auto size = (*node.input(0)->shape())[axis].constant();
    if (!size || *size > 8) return "it pools windows of 8x8 at most";
  }
  return {};
}
Reason concatenation(const Node& node) {
  const int64_t axis = node.attributes.get<int64_t>("axis", 0);
  return any(
      {plane(node), axis == 1 || axis == -3 ? Reason{} : Reason("it concatenates channels alone")});
}
Reason clipping(const Node& node) {
  const Value *low = node.input(1), *high = node.input(2);
  const auto number = [](const Value* v) {
    return v && v->is_constant() && v->dtype() == DType::f32 ? v->constant->values<float>()[0] : -1;
  };
  const bool fits = low && high && number(low) == 0 && number(high) >= 1 && number(high) <= 127;
  return any({plane(node), fits ? Reason{} : Reason("it clips from 0 to a bound of 1 to 127")});
}
// A tensor and another of its shape, of one number a channel, or of one number.
Reason elementwise(const Node& node) {
  bool whole = false;
  for (const Value* value : node.inputs()) whole |= value && value->rank() == 4;
  return whole ? Reason{} : Reason("it takes tensors of rank 4, with two spatial axes");
}
Reason comparison(const Node&) { return "it compares int8 alone"; }
Reason response(const Node& node) {
  const int64_t size = node.attributes.get<int64_t>("size", 0);
  const bool fits = size == 3 || size == 5 || size == 7 || size == 9;
  return any({plane(node), fits ? Reason{} : Reason("its windows are 3, 5, 7 or 9 wide")});
}
Reason slope(const Node& node) { return any({plane(node), constant_weights(node)}); }
Reason resizing(const Node& node) {
  if (Reason reason = plane(node); !reason.empty()) return reason;
  const std::string mode = node.attributes.get<std::string>("mode", "nearest");
  if (mode == "cubic") return "it resizes nearest and linear alone";
  const Value* scales = node.input(2);
  if (scales == nullptr || !scales->is_constant() || scales->dtype() != DType::f32 ||
      scales->constant->count() != 4)
    return "it takes four constant scales";
  const auto by = scales->constant->values<float>();
  const float most = mode == "linear" ? 4 : 32;
  const auto fits = [&](float s) {
    return s >= 1 && s <= most && s == static_cast<float>(static_cast<int>(s));
  };
  if (by[0] == 1 && by[1] == 1 && fits(by[2]) && fits(by[3])) return {};
  return fmt::format("it enlarges planes alone, {} times at most", most);
}
Reason quantised_unary(const Node&) { return "it computes this of int8 alone"; }
Reason softmax(const Node& node) {
  const int64_t axis = node.attributes.get<int64_t>("axis", -1);
  return any(
      {plane(node), axis != 0 && axis != -4 ? Reason{} : Reason("it takes no axis of batches")});
}
// The batch has to stay as it is.
Reason shuffle(const Node& node) {
  if (Reason reason = plane(node); !reason.empty()) return reason;
  const auto& from = *node.input(0)->shape();
  const auto& to = node.output()->shape();
  const auto perm = ints(node, "perm");
  const bool kept =
      to && !to->empty() && to->front() == from.front() && (perm.empty() || perm[0] == 0);
  return kept ? Reason{} : Reason("it leaves batches as they are");
}
Reason no_layer_needed(const Node&) { return {}; }

struct Layer {
  std::string_view op;
  Reason (*against)(const Node&);
};
constexpr std::array kLayers = {
    Layer{"Abs", &plane},
    Layer{"Add", &elementwise},
    Layer{"Atan", &quantised_unary},
    Layer{"AveragePool", &pooling},
    Layer{"BatchNormalization", &plane},
    Layer{"Clip", &clipping},
    Layer{"Concat", &concatenation},
    Layer{"Conv", &convolution},
    Layer{"ConvTranspose", &deconvolution},
    Layer{"Cos", &quantised_unary},
    Layer{"Div", &elementwise},
    Layer{"Dropout", &no_layer_needed},
    Layer{"Equal", &comparison},
    Layer{"Flatten", &shuffle},
    Layer{"Gemm", &constant_weights},
    Layer{"GlobalAveragePool", &global_pooling},
    Layer{"GlobalMaxPool", &global_pooling},
    Layer{"Greater", &comparison},
    Layer{"Identity", &no_layer_needed},
    Layer{"LRN", &response},
    Layer{"LeakyRelu", &plane},
    Layer{"Less", &comparison},
    Layer{"Max", &elementwise},
    Layer{"MaxPool", &pooling},
    Layer{"Min", &elementwise},
    Layer{"Mul", &elementwise},
    Layer{"PRelu", &slope},
    Layer{"Pow", &elementwise},
    Layer{"ReduceMax", &plane},
    Layer{"Relu", &plane},
    Layer{"Reshape", &shuffle},
    Layer{"Resize", &resizing},
    Layer{"Sigmoid", &plane},
    Layer{"Sin", &quantised_unary},
    Layer{"Slice", &plane},
    Layer{"Softmax", &softmax},
    Layer{"Split", &plane},
    Layer{"Sub", &elementwise},
    Layer{"Tanh", &plane},
    Layer{"Transpose", &shuffle},
};

Reason against_value(const Value& value) {
  if (!value.type.is_tensor() || !value.shape()) return "it takes tensors of fixed sizes";
  const DType dtype = value.dtype();
  if (dtype != DType::f32 && dtype != DType::f16 && dtype != DType::i8)
    return fmt::format("it computes in f16 and i8, not in {}", tenon::name(dtype));
  for (size_t axis = 0; axis < value.shape()->size(); ++axis) {
    const auto size = (*value.shape())[axis].constant();
    if (!size) return "it takes tensors of fixed sizes";
    if (*size > (axis == 0 ? kMostBatches : kMostSize))
      return fmt::format("it takes {} batches and sizes of {} at most", kMostBatches, kMostSize);
  }
  return {};
}

Reason against(const Node& node) {
  const auto layer = std::ranges::find(kLayers, node.op, &Layer::op);
  if (layer == kLayers.end() || !node.domain.empty()) return "it has no such layer";
  if (node.input(0)) {
    if (Reason reason = against_value(*node.input(0)); !reason.empty()) return reason;
  }
  return any({against_value(*node.output()), layer->against(node)});
}

}  // namespace

std::vector<DlaFallback> dla_fallbacks(const ir::Graph& lowered, const Release& release) {
  const bool has_dla = abilities(release).dla;
  std::vector<DlaFallback> out;
  ir::for_each_node(lowered, [&](const Node& node) {
    Reason why = has_dla ? against(node) : Reason("the release has no DLA");
    if (!why.empty()) out.push_back({&node, std::move(why)});
  });
  return out;
}

}  // namespace tenon::tensorrt
