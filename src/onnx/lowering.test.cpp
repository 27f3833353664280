// Operators that an opset lacks: what they are composed of computes the same.
#include <cmath>
#include <functional>
#include <limits>

#include "ir/verifier.h"
#include "onnx/opset.h"
#include "onnx/proto.h"
#include "onnx/testing.h"
#include "ops/activation/activation.h"
#include "ops/attention/attention.h"
#include "ops/binary/binary.h"
#include "ops/cholesky/cholesky.h"
#include "ops/clip/clip.h"
#include "ops/constant_of_shape/constant_of_shape.h"
#include "ops/eigen/eigen.h"
#include "ops/group_norm/group_norm.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/lu/lu.h"
#include "ops/matrix_exp/matrix_exp.h"
#include "ops/pad/pad.h"
#include "ops/pool/pool.h"
#include "ops/qr/qr.h"
#include "ops/random/random.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/rms_norm/rms_norm.h"
#include "ops/shape/shape.h"
#include "ops/softmax/softmax.h"
#include "ops/solve/solve.h"
#include "ops/split/split.h"
#include "ops/svd/svd.h"
#include "ops/transpose/transpose.h"
#include "ops/trilu/trilu.h"

namespace tenon::onnx {
namespace {

using namespace testing;
using ir::Builder;
using ir::Dim;
using ir::Type;
using ir::Value;
using Outputs = std::vector<Value*>;

struct Case {
  std::string name;
  std::vector<Tensor> inputs;
  std::function<Outputs(Builder&, const std::vector<Value*>&)> build;
  int since = 11;  // the first opset that can say it
  // Inputs' first axes are a symbol.
  bool dynamic = false;
};

Tensor noise(Dims dims, float scale = 2) {
  Tensor out = Tensor::zeros(DType::f32, std::move(dims));
  uint32_t state = 12345;
  for (float& v : out.mutable_values<float>()) {
    state = state * 1664525u + 1013904223u;
    v = scale * (static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1);
  }
  return out;
}
template <class T>
Tensor numbers(DType dtype, Dims dims, std::vector<T> values) {
  return Tensor::of<T>(dtype, std::move(dims), values);
}
Tensor ints(Dims dims, std::vector<int64_t> values) {
  return numbers<int64_t>(DType::i64, std::move(dims), std::move(values));
}
Tensor bools(Dims dims, std::vector<uint8_t> values) {
  return numbers<uint8_t>(DType::boolean, std::move(dims), std::move(values));
}
const float kNan = std::nanf("");

std::vector<Case> normalisations() {
  std::vector<Case> out;
  for (const bool dynamic : {false, true}) {
    out.push_back({.name = "LayerNormalization",
                   .inputs = {noise({2, 3, 8})},
                   .build =
                       [](Builder& b, const auto& in) {
                         return b.emit_n(ops::LayerNormalization{.axis = -2, .epsilon = 0.1f},
                                         {in[0], b.constant(noise({3, 8})), b.constant(noise({8}))},
                                         3);
                       },
                   .dynamic = dynamic});
    out.push_back({.name = "RMSNormalization",
                   .inputs = {noise({2, 3, 8})},
                   .build =
                       [](Builder& b, const auto& in) {
                         return Outputs{b.emit(ops::RMSNormalization{.axis = 2, .epsilon = 0.01f},
                                               {in[0], b.constant(noise({8}))})};
                       },
                   .dynamic = dynamic});
    out.push_back({.name = "GroupNormalization",
                   .inputs = {noise({2, 6, 3, 2})},
                   .build =
                       [](Builder& b, const auto& in) {
                         return Outputs{
                             b.emit(ops::GroupNormalization{.epsilon = 0.01f, .num_groups = 3},
                                    {in[0], b.constant(noise({6})), b.constant(noise({6}, 3))})};
                       },
                   .dynamic = dynamic});
    out.push_back({.name = "Softmax over another axis",
                   .inputs = {noise({2, 3, 4, 5})},
                   .build =
                       [](Builder& b, const auto& in) {
                         return Outputs{b.emit(ops::Softmax{.axis = 1}, {in[0]}),
                                        b.emit(ops::LogSoftmax{.axis = -3}, {in[0]}),
                                        b.emit(ops::Softmax{.axis = 3}, {in[0]})};
                       },
                   .dynamic = dynamic});
  }
  return out;
}

std::vector<Case> activations() {
  std::vector<Case> out;
  const Tensor x = floats({3, 3}, {-7, -3, -1.5f, -0.25f, 0, 0.25f, 1.5f, 3, 7});
  auto add = [&](const std::string& name, std::function<Value*(Builder&, Value*)> f) {
    out.push_back({.name = name, .inputs = {x}, .build = [f](Builder& b, const auto& in) {
                     return Outputs{f(b, in[0])};
                   }});
  };
  add("Gelu", [](Builder& b, Value* v) { return b.emit(ops::Gelu{}, {v}); });
  add("Gelu by tanh",
      [](Builder& b, Value* v) { return b.emit(ops::Gelu{.approximate = "tanh"}, {v}); });
  add("Swish", [](Builder& b, Value* v) { return b.emit(ops::Swish{.alpha = 1.5f}, {v}); });
  add("SiLU", [](Builder& b, Value* v) { return b.emit(ops::Swish{}, {v}); });
  add("Celu", [](Builder& b, Value* v) { return b.emit(ops::Celu{.alpha = 0.7f}, {v}); });
  add("HardSwish", [](Builder& b, Value* v) { return b.emit_named("HardSwish", {v}); });
  add("Mish", [](Builder& b, Value* v) { return b.emit_named("Mish", {v}); });
  // Probabilities of 0 and 1 leave nothing to chance.
  add("Bernoulli", [](Builder& b, Value* v) {
    Value* certain = b.cast(b.emit_named("Greater", {v, b.scalar(0, DType::f32)}), DType::f32);
    return b.emit(ops::Bernoulli{.dtype = static_cast<int64_t>(DType::boolean), .seed = {}},
                  {certain});
  });
  return out;
}

std::vector<Case> integers() {
  std::vector<Case> out;
  const Tensor a = ints({2, 2}, {-5, 0, 7, int64_t{1} << 60});
  const Tensor b2 = ints({2, 2}, {3, -2, 7, (int64_t{1} << 60) + 1});
  auto add = [&](const std::string& name, std::vector<Tensor> inputs,
                 std::function<Value*(Builder&, const std::vector<Value*>&)> f) {
    out.push_back({.name = name,
                   .inputs = std::move(inputs),
                   .build = [f](Builder& b, const auto& in) { return Outputs{f(b, in)}; }});
  };
  add("Max of i64", {a, b2}, [](Builder& b, const auto& in) { return b.emit_named("Max", in); });
  add("Min of i64", {a, b2}, [](Builder& b, const auto& in) { return b.emit_named("Min", in); });
  add("Relu of i64", {a}, [](Builder& b, const auto& in) { return b.emit_named("Relu", in); });
  add("Clip of i64", {a}, [](Builder& b, const auto& in) {
    return b.emit_named("Clip", {in[0], b.scalar_int(-1), b.scalar_int(5)});
  });
  add("Pow of i64", {ints({3}, {-3, 2, 5})},
      [](Builder& b, const auto& in) { return b.emit_named("Pow", {in[0], b.scalar_int(3)}); });
  add("Pow of i32", {numbers<int32_t>(DType::i32, {3}, {-3, 2, 5}), ints({3}, {3, 9, 1})},
      [](Builder& b, const auto& in) { return b.emit_named("Pow", in); });
  add("Add of u8",
      {numbers<uint8_t>(DType::u8, {2}, {3, 200}), numbers<uint8_t>(DType::u8, {2}, {4, 50})},
      [](Builder& b, const auto& in) { return b.emit_named("Add", in); });
  add("BitwiseNot", {numbers<uint8_t>(DType::u8, {2}, {3, 200})},
      [](Builder& b, const auto& in) { return b.emit_named("BitwiseNot", in); });
  add("BitwiseNot of i32", {numbers<int32_t>(DType::i32, {2}, {3, -200})},
      [](Builder& b, const auto& in) { return b.emit_named("BitwiseNot", in); });
  add("ReduceMax of booleans", {bools({2, 2}, {0, 1, 0, 0})},
      [](Builder& b, const auto& in) { return b.emit(ops::ReduceMax{}, {in[0], b.ints({1})}); });
  add("GreaterOrEqual with NaN", {floats({4}, {1, 2, kNan, 3}), floats({4}, {2, 2, 0, kNan})},
      [](Builder& b, const auto& in) { return b.emit_named("GreaterOrEqual", in); });
  add("LessOrEqual with NaN", {floats({4}, {1, 2, kNan, 3}), floats({4}, {2, 2, 0, kNan})},
      [](Builder& b, const auto& in) { return b.emit_named("LessOrEqual", in); });
  return out;
}

std::vector<Case> shapes() {
  std::vector<Case> out;
  auto add = [&](const std::string& name, Tensor input, bool dynamic, int since,
                 std::function<Outputs(Builder&, Value*)> f) {
    out.push_back({.name = name,
                   .inputs = {std::move(input)},
                   .build = [f](Builder& b, const auto& in) { return f(b, in[0]); },
                   .since = since,
                   .dynamic = dynamic});
  };
  add("ReduceMean over axes", noise({2, 3, 4}), true, 11, [](Builder& b, Value* x) {
    return Outputs{b.emit(ops::ReduceMean{.keepdims = false}, {x, b.ints({-1, 1})}),
                   b.emit(ops::ReduceSum{}, {x, b.ints({2})}), b.emit(ops::ReduceL2{}, {x})};
  });
  add("ReduceSum of nothing", noise({2, 3}), false, 11, [](Builder& b, Value* x) {
    return Outputs{b.emit(ops::ReduceSum{.noop_with_empty_axes = true}, {x})};
  });
  add("Resize to sizes of some axes", noise({2, 3, 4, 4}), true, 11, [](Builder& b, Value* x) {
    const ops::Resize op{.axes = std::vector<int64_t>{2, 3}, .mode = "linear"};
    return Outputs{b.emit(op, {x, nullptr, nullptr, b.ints({7, 6})})};
  });
  add("Pad of some axes", noise({2, 3, 4}), true, 11, [](Builder& b, Value* x) {
    return Outputs{
        b.emit(ops::Pad{}, {x, b.ints({1, 2, 3, 4}), b.scalar(5, DType::f32), b.ints({2, 1})}),
        b.emit(ops::Pad{.mode = "reflect"}, {x, b.ints({1, 1}), nullptr, b.ints({-1})})};
  });
  add("Pad by wrapping", noise({2, 3}), false, 19, [](Builder& b, Value* x) {
    return Outputs{b.emit(ops::Pad{.mode = "wrap"}, {x, b.ints({0, 1, 0, 2})})};
  });
  add("Split into parts of unequal size", noise({2, 7}), true, 11, [](Builder& b, Value* x) {
    return b.emit_n(ops::Split{.axis = 1, .num_outputs = 3}, {x}, 3);
  });
  add("Split of an open size", noise({7, 2}), true, 13, [](Builder& b, Value* x) {
    return b.emit_n(ops::Split{.axis = 0, .num_outputs = 3}, {x}, 3);
  });
  add("Split by sizes", noise({2, 7}), true, 11, [](Builder& b, Value* x) {
    return b.emit_n(ops::Split{.axis = -1}, {x, b.ints({4, 1, 2})}, 3);
  });
  add("Squeeze and Unsqueeze", noise({2, 1, 3}), true, 11, [](Builder& b, Value* x) {
    return Outputs{b.emit_named("Squeeze", {x, b.ints({1})}),
                   b.emit_named("Unsqueeze", {x, b.ints({0, -1})})};
  });
  add("Part of the shape", noise({2, 5, 3}), true, 11, [](Builder& b, Value* x) {
    return Outputs{b.emit(ops::Shape{.end = 2, .start = 0}, {x}),
                   b.emit(ops::Shape{.start = -2}, {x})};
  });
  add("Trilu", noise({2, 4, 5}), true, 11, [](Builder& b, Value* x) {
    return Outputs{b.emit(ops::Trilu{}, {x}),
                   b.emit(ops::Trilu{.upper = false}, {x, b.scalar_int(1)}),
                   b.emit(ops::Trilu{.upper = true}, {x, b.scalar_int(-2)})};
  });
  add("Resize of some axes", noise({2, 3, 4, 5}), true, 11, [](Builder& b, Value* x) {
    const ops::Resize op{.axes = std::vector<int64_t>{2, 3},
                         .coordinate_transformation_mode = "asymmetric",
                         .mode = "linear"};
    Value* scales = b.constant(floats({2}, {2, 1.5f}));
    return Outputs{b.emit(op, {x, nullptr, nullptr, b.ints({7, 3})}),
                   b.emit(op, {x, nullptr, scales})};
  });
  for (const char* mode : {"linear", "cubic"}) {
    add(std::string("Resize with antialiasing, ") + mode, noise({2, 3, 8, 9}), true, 11,
        [=](Builder& b, Value* x) {
          const ops::Resize op{.antialias = true,
                               .axes = std::vector<int64_t>{-1, -2},
                               .cubic_coeff_a = -0.5f,
                               .exclude_outside = true,
                               .mode = mode};
          Value* scales = b.constant(floats({4}, {1, 1, 0.4f, 1.5f}));
          return Outputs{
              b.emit(op, {x, nullptr, nullptr, b.ints({3, 12})}),
              b.emit(ops::Resize{.antialias = true, .mode = mode}, {x, nullptr, scales})};
        });
  }
  add("Resize with antialiasing of sizes that vary", noise({2, 3, 8}), true, 18,
      [](Builder& b, Value* x) {
        return Outputs{b.emit(ops::Resize{.antialias = true, .mode = "linear"},
                              {x, nullptr, b.constant(floats({3}, {0.5f, 1, 1}))})};
      });
  add("Resize that keeps ratios", noise({1, 2, 8, 6}), false, 11, [](Builder& b, Value* x) {
    Outputs out;
    for (const char* policy : {"not_larger", "not_smaller"}) {
      const ops::Resize op{
          .axes = std::vector<int64_t>{2, 3}, .keep_aspect_ratio_policy = policy, .mode = "linear"};
      out.push_back(b.emit(op, {x, nullptr, nullptr, b.ints({5, 7})}));
    }
    return out;
  });
  add("Resize around the middle", noise({2, 1, 5, 6}), false, 11, [](Builder& b, Value* x) {
    const ops::Resize op{.coordinate_transformation_mode = "half_pixel_symmetric",
                         .mode = "linear"};
    return Outputs{b.emit(op, {x, nullptr, b.constant(floats({4}, {1, 1, 0.7f, 1.3f}))}),
                   b.emit(op, {x, nullptr, b.constant(floats({4}, {1.5f, 2, 1, 1}))})};
  });
  add("MaxPool whose last window would begin in the padding", noise({1, 1, 2, 2}), false, 11,
      [](Builder& b, Value* x) {
        return Outputs{b.emit(ops::MaxPool{.ceil_mode = true,
                                           .dilations = {1, 1},
                                           .kernel_shape = {1, 1},
                                           .pads = {0, 0, 0, 0},
                                           .strides = {2, 2}},
                              {x})};
      });
  add("AveragePool with dilations", noise({1, 2, 8, 8}), false, 19, [](Builder& b, Value* x) {
    return Outputs{b.emit(
        ops::AveragePool{
            .dilations = {2, 2}, .kernel_shape = {3, 3}, .pads = {0, 0, 0, 0}, .strides = {1, 1}},
        {x})};
  });
  return out;
}

struct Heads {
  int64_t batch = 2, q = 4, kv = 4, queries = 5, keys = 5, size = 8;
};

Case attention(std::string name, Heads n, ops::Attention op, std::vector<Tensor> rest = {},
               std::vector<size_t> at = {}, size_t outputs = 1) {
  std::vector<Tensor> inputs{noise({n.batch, n.q, n.queries, n.size}),
                             noise({n.batch, n.kv, n.keys, n.size}, 1.5f),
                             noise({n.batch, n.kv, n.keys, n.size + 2}, 1)};
  for (Tensor& t : rest) inputs.push_back(std::move(t));
  return {.name = "Attention, " + std::move(name),
          .inputs = std::move(inputs),
          .build = [=](Builder& b, const auto& in) {
            std::vector<Value*> all(in.begin(), in.begin() + 3);
            for (size_t i = 0; i < at.size(); ++i) {
              all.resize(std::max(all.size(), at[i] + 1), nullptr);
              all[at[i]] = in[i + 3];
            }
            return b.emit_n(op, all, outputs);
          }};
}

std::vector<Case> attentions() {
  const Heads n;
  const float inf = -std::numeric_limits<float>::infinity();
  std::vector<Case> out;
  out.push_back(attention("plain", n, {}));
  out.push_back(attention("causal", n, {.is_causal = true}));
  out.push_back(attention("scaled and capped", n, {.scale = 0.3f, .softcap = 2}));
  out.push_back(attention("grouped", {.q = 6, .kv = 2}, {.is_causal = true}));
  out.push_back(attention("with a mask", n, {}, {noise({5, 5})}, {3}));
  out.push_back(attention("with a mask that hides a row", {.queries = 2, .keys = 2}, {},
                          {floats({2, 2}, {inf, inf, 0, inf})}, {3}));
  out.push_back(attention("with booleans", {.queries = 2, .keys = 3}, {.is_causal = true},
                          {bools({2, 3}, {1, 0, 1, 1, 1, 0})}, {3}));
  out.push_back(attention("with a short mask", {.queries = 2, .keys = 4}, {},
                          {bools({2, 3}, {1, 0, 1, 1, 1, 0})}, {3}));
  out.push_back(attention("with a past", n, {.is_causal = true},
                          {noise({2, 4, 3, 8}), noise({2, 4, 3, 10})}, {4, 5}, 3));
  out.push_back(attention("with lengths", n, {}, {ints({2}, {3, 5})}, {6}));
  out.push_back(
      attention("windowed", n, {.is_causal = true, .left_window_size = 2, .right_window_size = 0}));
  for (const int64_t mode : {0, 1, 2, 3}) {
    out.push_back(attention("scores " + std::to_string(mode), n,
                            {.qk_matmul_output_mode = mode, .softcap = 3}, {noise({5, 5})}, {3},
                            4));
  }
  out.push_back({.name = "Attention, three dimensions",
                 .inputs = {noise({2, 5, 16}), noise({2, 7, 8}), noise({2, 7, 8})},
                 .build =
                     [](Builder& b, const auto& in) {
                       return Outputs{b.emit(ops::Attention{.kv_num_heads = 2, .q_num_heads = 4},
                                             {in[0], in[1], in[2]})};
                     },
                 .dynamic = true});
  return out;
}

// Noise with a strong diagonal: matrices that are far from singular.
Tensor regular(int64_t n, int64_t batch = 2) {
  Tensor out = noise({batch, n, n}, 1);
  const auto size = static_cast<size_t>(n);
  for (size_t i = 0; i < static_cast<size_t>(batch); ++i) {
    for (size_t k = 0; k < size; ++k)
      out.mutable_values<float>()[i * size * size + k * (size + 1)] += 4;
  }
  return out;
}

template <class Op>
Case decomposition(const std::string& name, std::vector<Tensor> inputs, const Op& op,
                   size_t outputs, bool dynamic = false) {
  return {.name = name,
          .inputs = std::move(inputs),
          .build = [op, outputs](Builder& b, const auto& in) { return b.emit_n(op, in, outputs); },
          .dynamic = dynamic};
}

// Written out for small matrices, in a Loop for larger ones. Singular and eigenvectors have signs
// that are left open: products do not.
std::vector<Case> linear_algebra() {
  std::vector<Case> out;
  for (const int64_t n : {1, 3, 6}) {
    const std::string size = " " + std::to_string(n);
    const Tensor a = regular(n), b = noise({2, n, 3});
    out.push_back(decomposition("Solve" + size, {a, b}, ops::Solve{}, 2, n == 6));
    for (const bool upper : {false, true}) {
      out.push_back(decomposition("TriangularSolve" + size + (upper ? " upper" : ""), {a, b},
                                  ops::TriangularSolve{.unit = n == 3, .upper = upper}, 1));
    }
    out.push_back(decomposition("Cholesky" + size, {a}, ops::Cholesky{}, 2, n == 6));
    out.push_back(decomposition("LU" + size, {noise({2, n, 4})}, ops::LU{}, 3, n == 6));
    out.push_back(decomposition("QR" + size, {noise({2, n, 4})}, ops::QR{}, 2, n == 6));
    out.push_back(decomposition("HouseholderProduct" + size, {a, noise({2, n}, 1)},
                                ops::HouseholderProduct{}, 1));
    out.push_back(
        decomposition("MatrixExp" + size, {noise({2, n, n})}, ops::MatrixExp{}, 1, n == 6));
    out.push_back({.name = "Eigh" + size,
                   .inputs = {a},
                   .build =
                       [](Builder& builder, const auto& in) {
                         const Outputs all = builder.emit_n(ops::Eigh{}, in, 2);
                         Value* row = builder.emit_named("Unsqueeze", {all[0], builder.ints({1})});
                         Value* scaled = builder.emit_named("Mul", {all[1], row});
                         Value* turned = builder.emit(
                             ops::Transpose{.perm = std::vector<int64_t>{0, 2, 1}}, {all[1]});
                         return Outputs{all[0], builder.emit_named("MatMul", {scaled, turned})};
                       },
                   .dynamic = n == 6});
    out.push_back({.name = "SVD" + size,
                   .inputs = {noise({2, n, 4})},
                   .build =
                       [](Builder& builder, const auto& in) {
                         const Outputs all = builder.emit_n(ops::SVD{}, in, 3);
                         Value* row = builder.emit_named("Unsqueeze", {all[1], builder.ints({1})});
                         Value* scaled = builder.emit_named("Mul", {all[0], row});
                         return Outputs{all[1], builder.emit_named("MatMul", {scaled, all[2]})};
                       },
                   .dynamic = n == 6});
  }
  const Tensor pivots = numbers<int32_t>(DType::i32, {2, 3}, {3, 2, 5, 1, 4, 3});
  out.push_back(
      {.name = "PivotsToPermutation", .inputs = {pivots}, .build = [](Builder& b, const auto& in) {
         return Outputs{b.emit(ops::PivotsToPermutation{}, {in[0], b.scalar_int(5)})};
       }});
  return out;
}

void expect_close(const Tensor& got, const Tensor& want, const std::string& where) {
  ASSERT_EQ(got.dtype(), want.dtype()) << where;
  ASSERT_EQ(got.shape(), want.shape()) << where;
  if (want.dtype() != DType::f32) {
    EXPECT_EQ(std::memcmp(got.data(), want.data(), want.nbytes()), 0) << where;
    return;
  }
  for (size_t i = 0; i < want.values<float>().size(); ++i) {
    const float a = got.values<float>()[i], b = want.values<float>()[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    ASSERT_NEAR(a, b, 2e-6f + 2e-5f * std::abs(b)) << where << ", element " << i;
  }
}

// Each node of the file is an operator of its opset, with inputs and attributes that it has there.
void expect_schemas(const proto::Graph& graph, int opset, const std::string& where) {
  for (const proto::Node& node : graph.nodes) {
    const Schema* schema = find_schema(node.op, opset);
    ASSERT_NE(schema, nullptr) << where << ": " << node.op;
    EXPECT_TRUE(schema->max_inputs < 0 ||
                static_cast<int>(node.inputs.size()) <= schema->max_inputs)
        << where << ": " << node.op;
    for (const proto::Attribute& attribute : node.attributes) {
      EXPECT_NE(schema->attribute(attribute.name), nullptr)
          << where << ": " << node.op << " has no " << attribute.name;
      if (attribute.g) expect_schemas(*attribute.g, opset, where);
    }
  }
}

class Lowering : public ::testing::TestWithParam<Case> {};

TEST_P(Lowering, ComputesTheSameAtEveryOpset) {
  const Case& c = GetParam();
  ir::Graph graph;
  Builder b(graph, tables().ops);
  std::vector<Value*> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    ir::Shape shape = ir::to_shape(c.inputs[i].shape());
    if (c.dynamic) shape[0] = Dim::symbol("N");
    inputs.push_back(
        graph.add_input("x" + std::to_string(i), Type::tensor(c.inputs[i].dtype(), shape)));
  }
  if (c.dynamic) graph.symbols.push_back({.name = "N", .source = inputs[0], .axis = 0});
  for (Value* output : c.build(b, inputs)) graph.add_output(output);
  const auto status = b.status();
  ASSERT_TRUE(status) << status.error().message();
  const auto want = ir::evaluate(graph, tables().kernels, c.inputs);
  ASSERT_TRUE(want) << want.error().message();
  for (int opset = kOldestWritable; opset <= newest_opset(); ++opset) {
    const std::string where = c.name + " at opset " + std::to_string(opset);
    const auto bytes = write_bytes(graph, opset);
    ASSERT_EQ(bool(bytes), opset >= c.since) << where << (bytes ? "" : bytes.error().message());
    if (!bytes) {
      EXPECT_EQ(bytes.error().kind, ErrorKind::unsupported);
      EXPECT_EQ(bytes.error().hint, fmt::format("use --opset {} or newer", c.since));
      continue;
    }
    const auto parsed = proto::parse_model(std::as_bytes(std::span(*bytes)));
    ASSERT_TRUE(parsed) << where << parsed.error().message();
    expect_schemas(parsed->graph, opset, where);
    const auto back = read_bytes(*bytes);
    ASSERT_TRUE(back) << where << back.error().message();
    ASSERT_TRUE(ir::verify(**back, tables().ops, "reading")) << where;
    const auto got = ir::evaluate(**back, tables().kernels, c.inputs);
    ASSERT_TRUE(got) << where << got.error().message();
    ASSERT_EQ(got->size(), want->size());
    for (size_t i = 0; i < want->size(); ++i) expect_close((*got)[i], (*want)[i], where);
  }
}

std::string label(const ::testing::TestParamInfo<Case>& info) {
  std::string out = info.param.name + (info.param.dynamic ? "_dynamic" : "");
  std::replace_if(out.begin(), out.end(), [](char c) { return !std::isalnum(c); }, '_');
  return out;
}

INSTANTIATE_TEST_SUITE_P(Normalisations, Lowering, ::testing::ValuesIn(normalisations()), label);
INSTANTIATE_TEST_SUITE_P(Activations, Lowering, ::testing::ValuesIn(activations()), label);
INSTANTIATE_TEST_SUITE_P(Integers, Lowering, ::testing::ValuesIn(integers()), label);
INSTANTIATE_TEST_SUITE_P(Shapes, Lowering, ::testing::ValuesIn(shapes()), label);
INSTANTIATE_TEST_SUITE_P(LinearAlgebra, Lowering, ::testing::ValuesIn(linear_algebra()), label);
INSTANTIATE_TEST_SUITE_P(Attentions, Lowering, ::testing::ValuesIn(attentions()), label);

}  // namespace
}  // namespace tenon::onnx
