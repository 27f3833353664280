// Convolutions as matrix products, the tactic that takes what no other does, against the reference
// evaluation: windows, groups, layouts, and all that may follow.
#include <gtest/gtest.h>

#include "ir/builder.h"
#include "targets/cpu/expand.h"
#include "targets/cpu/lowered.h"
#include "targets/cpu/post_op.h"
#include "targets/cpu/reorder.h"
#include "targets/cpu/testing.h"

namespace tenon::cpu {
namespace {

// The tensor's bytes in another layout.
std::vector<float> in_layout(const Tensor& t, int block) {
  const Desc to{DType::f32, t.shape(), block};
  std::vector<float> out(to.bytes() / sizeof(float));
  if (block == 0)
    std::ranges::copy(t.values<float>(), out.begin());
  else
    reorder({DType::f32, t.shape(), 0}, t.values<float>().data(), to, out.data(), 1);
  return out;
}

struct Sizes {
  Dims x, w;
  FusedConv op;
};

void check(const Sizes& sizes, const std::vector<PostOp>& post, bool residual, int block) {
  FusedConv op = sizes.op;
  op.post = encode(post);
  Dims y{sizes.x[0], sizes.w[0]};
  for (size_t d = 0; d < op.strides.size(); ++d) {
    const int64_t window = op.dilations[d] * (sizes.w[d + 2] - 1) + 1;
    const int64_t room = sizes.x[d + 2] + op.pads[d] + op.pads[d + op.strides.size()] - window;
    y.push_back(room / op.strides[d] + 1);
  }
  std::vector<Tensor> tensors{random_floats(sizes.x, 1), random_floats(sizes.w, 2),
                              random_floats({sizes.w[0]}, 3)};
  if (residual) tensors.push_back(random_floats(y, 4));
  ir::Graph graph;
  std::vector<ir::Value*> values;
  for (const Tensor& t : tensors)
    values.push_back(graph.add_input("x" + std::to_string(values.size()),
                                     ir::Type::tensor(t.dtype(), ir::to_shape(t.shape()))));
  ir::Node* node =
      graph.add_node(std::string(kDomain), "Conv", ir::to_attributes(op), std::move(values));
  node->output()->type = ir::Type::tensor(DType::f32, ir::to_shape(y));

  std::vector<Operand> operands;
  std::vector<std::vector<float>> memory;
  std::vector<const std::byte*> in;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const int layout = i == 0 || i == 3 ? block : 0;
    operands.push_back({{DType::f32, tensors[i].shape(), layout}, nullptr, node->input(i)});
    memory.push_back(in_layout(tensors[i], layout));
  }
  for (const auto& m : memory) in.push_back(reinterpret_cast<const std::byte*>(m.data()));
  auto expanded = expand(*node, operands);
  ASSERT_TRUE(expanded) << expanded.error().message();
  ASSERT_TRUE(ir::infer(**expanded, tables().ops));
  const auto want = ir::evaluate(**expanded, tables().refs, tensors);
  ASSERT_TRUE(want) << want.error().message();
  ASSERT_EQ((*want)[0].shape(), y);

  const auto spec = std::ranges::find_if(tables().kernels, [](const KernelSpec* s) {
    return s->op == "Conv" && s->tactic == "product";
  });
  ASSERT_NE(spec, tables().kernels.end());
  NoPacking packer;
  const std::vector<Desc> outputs{{DType::f32, y, block}};
  MakeContext context{*node, operands, outputs, packer, 2};
  const auto prepared = (*spec)->make(context);
  ASSERT_TRUE(prepared) << prepared.error().message();
  std::vector<float> got(outputs[0].bytes() / sizeof(float), -7);
  Tensor scratch = Tensor::zeros(DType::u8, {static_cast<int64_t>(prepared->scratch)});
  const std::vector<std::byte*> out{reinterpret_cast<std::byte*>(got.data())};
  ASSERT_TRUE(prepared->run({in, out, scratch.mutable_bytes().data()}));
  const auto expected = in_layout((*want)[0], block);
  float most = 0, off = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    most = std::max(most, std::abs(expected[i]));
    off = std::max(off, std::abs(got[i] - expected[i]));
  }
  EXPECT_LE(off, 2e-5F * most);
}

std::vector<Sizes> sizes() {
  return {
      {{1, 1, 3000}, {5, 1, 400}, {1, {100}, {1}, {200, 200}, {}}},
      {{2, 4, 50}, {6, 4, 5}, {1, {2}, {3}, {7, 0}, {}}},
      {{2, 6, 9, 11}, {4, 3, 3, 5}, {2, {2, 1}, {1, 2}, {1, 4, 2, 3}, {}}},
      {{1, 3, 4, 5, 6}, {7, 3, 2, 3, 1}, {1, {1, 2, 2}, {1, 1, 1}, {0, 1, 0, 1, 1, 0}, {}}},
      {{1, 16, 80, 90}, {3, 16, 3, 3}, {1, {1, 1}, {1, 1}, {1, 1, 1, 1}, {}}},  // several pieces
      {{1, 2, 3}, {2, 2, 1}, {1, {1}, {1}, {5, 5}, {}}},  // more padding than image
  };
}

TEST(ConvProduct, WindowsOfManyKinds) {
  for (const Sizes& one : sizes()) {
    SCOPED_TRACE(ir::to_string(ir::to_shape(one.x)) + ir::to_string(ir::to_shape(one.w)));
    for (const int block : {0, 8, 16}) {
      check(one, {}, false, block);
      check(one, {{PostOp::Kind::sum}, {PostOp::Kind::relu}}, true, block);
    }
  }
}

TEST(ConvProduct, WhateverFollows) {
  using Kind = PostOp::Kind;
  for (const PostOp& op : std::vector<PostOp>{{Kind::relu},
                                              {Kind::relu, 0.2F},
                                              {Kind::clip, -0.3F, 0.5F},
                                              {Kind::logistic},
                                              {Kind::tanh},
                                              {Kind::elu, 0.7F},
                                              {Kind::gelu_erf},
                                              {Kind::gelu_tanh},
                                              {Kind::swish, 1},
                                              {Kind::hardswish},
                                              {Kind::hardsigmoid, 0.2F, 0.4F},
                                              {Kind::linear, 2, -1}}) {
    SCOPED_TRACE(name(op.kind));
    check(sizes()[1], {op}, false, 0);
  }
}

}  // namespace
}  // namespace tenon::cpu
