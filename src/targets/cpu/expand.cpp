#include "targets/cpu/expand.h"

#include "ops/activation/activation.h"
#include "ops/conv/conv.h"
#include "ops/transpose/transpose.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/pointwise.h"
#include "targets/cpu/post_op.h"

namespace tenon::cpu {
namespace {

// Adds nodes; types are inferred once all are there.
struct Expander {
  ir::Graph& graph;
  std::vector<ir::Value*> inputs;  // null where absent

  ir::Value* add(std::string op, std::vector<ir::Value*> in, ir::Attributes attributes = {}) {
    return graph.add_node("", std::move(op), std::move(attributes), std::move(in))->output();
  }
  template <class Op>
  ir::Value* emit(const Op& op, std::vector<ir::Value*> in) {
    return add(std::string(Op::kName), std::move(in), ir::to_attributes(op));
  }
  ir::Value* scalar(float value) { return graph.add_constant(Tensor::scalar_f32(value)); }

  ir::Value* post(const PostOp& op, ir::Value* x) {
    using Kind = PostOp::Kind;
    switch (op.kind) {
      case Kind::sum:
        return add("Add", {x, inputs[3]});
      case Kind::relu:
        return op.alpha == 0 ? add("Relu", {x}) : emit(ops::LeakyRelu{.alpha = op.alpha}, {x});
      case Kind::clip:
        return add("Clip", {x, scalar(op.alpha), scalar(op.beta)});
      case Kind::logistic:
        return add("Sigmoid", {x});
      case Kind::tanh:
        return add("Tanh", {x});
      case Kind::elu:
        return emit(ops::Elu{.alpha = op.alpha}, {x});
      case Kind::gelu_erf:
        return emit(ops::Gelu{}, {x});
      case Kind::gelu_tanh:
        return emit(ops::Gelu{.approximate = "tanh"}, {x});
      case Kind::swish:
        return emit(ops::Swish{.alpha = op.alpha}, {x});
      case Kind::hardswish:
        return add("HardSwish", {x});
      case Kind::hardsigmoid:
        return emit(ops::HardSigmoid{.alpha = op.alpha, .beta = op.beta}, {x});
      case Kind::linear:
        return add("Add", {add("Mul", {x, scalar(op.alpha)}), scalar(op.beta)});
    }
    return x;
  }

  ir::Value* convolution(const ir::Node& node) {
    const auto op = node.as<FusedConv>();
    std::vector<ir::Value*> in{inputs[0], inputs[1]};
    if (inputs.size() > 2 && inputs[2]) in.push_back(inputs[2]);
    ir::Value* y = emit(
        ops::Conv{
            .dilations = op.dilations, .group = op.group, .pads = op.pads, .strides = op.strides},
        in);
    for (const PostOp& p : decode(op.post)) y = post(p, y);
    return y;
  }

  ir::Value* product(const ir::Node& node, std::span<const Operand> operands) {
    const auto op = node.as<FusedMatMul>();
    auto side = [&](size_t i, bool transposed) {
      if (!transposed) return inputs[i];
      std::vector<int64_t> perm;
      const auto rank = static_cast<int64_t>(operands[i].desc.dims.size());
      for (int64_t axis = 0; axis + 2 < rank; ++axis) perm.push_back(axis);
      perm.insert(perm.end(), {rank - 1, rank - 2});
      return emit(ops::Transpose{.perm = perm}, {inputs[i]});
    };
    ir::Value* y = add("MatMul", {side(0, op.trans_a), side(1, op.trans_b)});
    if (op.alpha != 1) y = add("Mul", {y, scalar(op.alpha)});
    if (inputs.size() > 2 && inputs[2]) y = add("Add", {y, inputs[2]});
    for (const PostOp& p : decode(op.post)) y = post(p, y);
    return y;
  }

  ir::Value* instruction(const PointInstruction& i, ir::Value* a, ir::Value* b) {
    switch (i.op) {
      case PointOp::add:
        return add("Add", {a, b});
      case PointOp::sub:
        return add("Sub", {a, b});
      case PointOp::mul:
        return add("Mul", {a, b});
      case PointOp::div:
        return add("Div", {a, b});
      case PointOp::min:
        return add("Min", {a, b});
      case PointOp::max:
        return add("Max", {a, b});
      case PointOp::pow:
        return add("Pow", {a, b});
      case PointOp::relu:
        return post({PostOp::Kind::relu, i.p, i.q}, a);
      case PointOp::clip:
        return post({PostOp::Kind::clip, i.p, i.q}, a);
      case PointOp::logistic:
        return post({PostOp::Kind::logistic, i.p, i.q}, a);
      case PointOp::tanh:
        return post({PostOp::Kind::tanh, i.p, i.q}, a);
      case PointOp::elu:
        return post({PostOp::Kind::elu, i.p, i.q}, a);
      case PointOp::gelu_erf:
        return post({PostOp::Kind::gelu_erf, i.p, i.q}, a);
      case PointOp::gelu_tanh:
        return post({PostOp::Kind::gelu_tanh, i.p, i.q}, a);
      case PointOp::swish:
        return post({PostOp::Kind::swish, i.p, i.q}, a);
      case PointOp::hardswish:
        return post({PostOp::Kind::hardswish, i.p, i.q}, a);
      case PointOp::hardsigmoid:
        return post({PostOp::Kind::hardsigmoid, i.p, i.q}, a);
      case PointOp::linear:
        return post({PostOp::Kind::linear, i.p, i.q}, a);
      case PointOp::selu:
        return emit(ops::Selu{.alpha = i.p, .gamma = i.q}, {a});
      case PointOp::exp:
        return add("Exp", {a});
      case PointOp::log:
        return add("Log", {a});
      case PointOp::sqrt:
        return add("Sqrt", {a});
      case PointOp::reciprocal:
        return add("Reciprocal", {a});
      case PointOp::neg:
        return add("Neg", {a});
      case PointOp::abs:
        return add("Abs", {a});
      case PointOp::floor:
        return add("Floor", {a});
      case PointOp::ceil:
        return add("Ceil", {a});
      case PointOp::round:
        return add("Round", {a});
      case PointOp::erf:
        return add("Erf", {a});
      case PointOp::softplus:
        return add("Softplus", {a});
      case PointOp::softsign:
        return add("Softsign", {a});
      case PointOp::mish:
        return add("Mish", {a});
      case PointOp::sin:
        return add("Sin", {a});
      case PointOp::cos:
        return add("Cos", {a});
      case PointOp::count:
        break;
    }
    return a;
  }
};

}  // namespace

Result<std::unique_ptr<ir::Graph>> expand(const ir::Node& node, std::span<const Operand> inputs) {
  if (node.domain != kDomain) return nullptr;
  auto graph = std::make_unique<ir::Graph>();
  Expander e{*graph, {}};
  for (const Operand& input : inputs) {
    e.inputs.push_back(input.desc.present()
                           ? graph->add_input("", ir::Type::tensor(input.desc.dtype,
                                                                   ir::to_shape(input.desc.dims)))
                           : nullptr);
  }
  ir::Value* result = nullptr;
  if (node.op == FusedConv::kName) {
    result = e.convolution(node);
  } else if (node.op == FusedMatMul::kName) {
    result = e.product(node, inputs);
  } else if (node.op == Pointwise::kName) {
    std::vector<ir::Value*> values = e.inputs;
    for (const PointInstruction& i : TRY(decode(node.as<Pointwise>(), inputs.size())))
      values.push_back(e.instruction(i, values[static_cast<size_t>(i.a)],
                                     i.b < 0 ? nullptr : values[static_cast<size_t>(i.b)]));
    result = values.back();
  } else {
    result = e.add("Identity", {e.inputs[0]});
  }
  graph->add_output(result);
  return graph;
}

}  // namespace tenon::cpu
