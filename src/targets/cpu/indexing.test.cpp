// Kernels that move, order and fold elements, against the reference kernels: one node at a time.
#include <gtest/gtest.h>

#include <random>

#include "ir/builder.h"
#include "ops/arg_reduce/arg_reduce.h"
#include "ops/gather/gather.h"
#include "ops/gather_elements/gather_elements.h"
#include "ops/gather_nd/gather_nd.h"
#include "ops/reduce/reduce.h"
#include "ops/roi_align/roi_align.h"
#include "ops/scatter_elements/scatter_elements.h"
#include "ops/scatter_nd/scatter_nd.h"
#include "ops/topk/topk.h"
#include "targets/cpu/testing.h"

namespace tenon::cpu {
namespace {

constexpr double kTolerance = 2e-5;  // of the largest magnitude, of f32

Tensor floats(Dims dims, uint32_t seed, float low = -2, float high = 2) {
  return random_floats(std::move(dims), seed, low, high);
}
template <class T>
Tensor integers(DType type, Dims dims, T low, T high, uint32_t seed = 1) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<int64_t> uniform(low, high);
  Tensor out = Tensor::zeros(type, std::move(dims));
  for (T& v : out.mutable_values<T>()) v = static_cast<T>(uniform(engine));
  return out;
}

void expect_same(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  ASSERT_EQ(got.dtype(), want.dtype());
  if (want.dtype() != DType::f32) {
    EXPECT_TRUE(std::ranges::equal(got.bytes(), want.bytes()));
    return;
  }
  double most = 0, off = 0;
  for (size_t i = 0; i < want.values<float>().size(); ++i) {
    const double a = got.values<float>()[i], b = want.values<float>()[i];
    if (std::isnan(a) && std::isnan(b)) continue;
    most = std::max(most, std::abs(b));
    if (!(std::abs(a - b) <= off)) off = std::abs(a - b);
  }
  EXPECT_LE(off, kTolerance * most);
}

// A node on the kernel that the engine has for it.
struct Indexing : testing::Test {
  ir::Graph graph;
  ir::Builder b{graph, tables().ops};

  // Inputs from `constants` on are constants of the graph.
  template <class Op>
  const ir::Node* node(const Op& op, const std::vector<Tensor>& inputs, size_t constants,
                       size_t outputs = 1) {
    std::vector<ir::Value*> values;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Tensor& t = inputs[i];
      values.push_back(
          i >= constants
              ? b.constant(t)
              : graph.add_input("x", ir::Type::tensor(t.dtype(), ir::to_shape(t.shape()))));
    }
    const auto made = b.emit_n(op, values, outputs);
    EXPECT_TRUE(b.status());
    return made[0]->producer;
  }

  static const KernelSpec* kernel_of(const ir::Node& node) {
    for (const KernelSpec* spec : tables().kernels) {
      if (spec->op == node.op && spec->domain == node.domain &&
          (spec->supports == nullptr || spec->supports(node)))
        return spec;
    }
    return nullptr;
  }

  Result<std::vector<Tensor>> fast(const ir::Node& node, const std::vector<Tensor>& inputs,
                                   const std::vector<Tensor>& like) {
    const KernelSpec* spec = kernel_of(node);
    EXPECT_NE(spec, nullptr) << node.op;
    if (spec == nullptr) return std::vector<Tensor>{};
    std::vector<Operand> operands;
    std::vector<const std::byte*> in;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ir::Value* value = node.input(i);
      operands.push_back({{inputs[i].dtype(), inputs[i].shape(), 0},
                          value->is_constant() ? &*value->constant : nullptr,
                          value});
      in.push_back(inputs[i].data());
    }
    std::vector<Desc> forms;
    std::vector<Tensor> out;
    std::vector<std::byte*> to;
    for (const Tensor& t : like) {
      forms.push_back({t.dtype(), t.shape(), 0});
      to.push_back(out.emplace_back(Tensor::zeros(t.dtype(), t.shape())).mutable_bytes().data());
    }
    NoPacking packer;
    MakeContext context{node, operands, forms, packer, 2};
    const Prepared prepared = TRY(spec->make(context));
    if (prepared.accumulate >= 0) {
      const Tensor& start = inputs[static_cast<size_t>(prepared.accumulate)];
      std::memcpy(to[0], start.data(), start.nbytes());
    }
    Tensor scratch = Tensor::zeros(DType::u8, {static_cast<int64_t>(prepared.scratch)});
    TRY(prepared.run({in, to, scratch.mutable_bytes().data()}));
    return out;
  }

  template <class Op>
  void check(const Op& op, const std::vector<Tensor>& inputs, size_t constants = 100,
             size_t outputs = 1) {
    const ir::Node* made = node(op, inputs, constants, outputs);
    std::vector<const Tensor*> given;
    for (const Tensor& t : inputs) given.push_back(&t);
    const auto want = ir::evaluate_node(*made, tables().refs, given);
    ASSERT_TRUE(want) << want.error().message();
    const auto got = fast(*made, inputs, *want);
    ASSERT_TRUE(got) << got.error().message();
    for (size_t i = 0; i < want->size(); ++i) expect_same((*got)[i], (*want)[i]);
  }

  // Both the kernel and the reference refuse.
  template <class Op>
  void check_fails(const Op& op, const std::vector<Tensor>& inputs, const Tensor& like) {
    const ir::Node* made = node(op, inputs, 100);
    std::vector<const Tensor*> given;
    for (const Tensor& t : inputs) given.push_back(&t);
    const auto want = ir::evaluate_node(*made, tables().refs, given);
    const auto got = fast(*made, inputs, {like});
    ASSERT_FALSE(want);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().message(), want.error().message());
  }
};

TEST_F(Indexing, Gather) {
  const Tensor x = floats({5, 7, 3}, 1);
  for (const int64_t axis : {0, 1, 2, -1})
    check(ops::Gather{.axis = axis}, {x, integers<int64_t>(DType::i64, {4, 2}, -3, 2)});
  check(ops::Gather{.axis = 1}, {x, integers<int32_t>(DType::i32, {}, -7, 6)});
  check(ops::Gather{}, {integers<uint8_t>(DType::u8, {3000, 11}, 0, 255),
                        integers<int64_t>(DType::i64, {20000}, -3000, 2999)});
  check(ops::Gather{}, {x, Tensor::zeros(DType::i64, {0})});
  check_fails(ops::Gather{.axis = 1}, {x, Tensor::vector_i64(std::array<int64_t, 2>{0, 7})},
              Tensor::zeros(DType::f32, {5, 2, 3}));
}

TEST_F(Indexing, GatherND) {
  const Tensor x = floats({2, 5, 4, 3}, 1);
  check(ops::GatherND{}, {x, integers<int64_t>(DType::i64, {6, 2}, -2, 1)});
  check(ops::GatherND{}, {x, integers<int64_t>(DType::i64, {2, 3, 4}, 0, 1)});
  check(ops::GatherND{.batch_dims = 1}, {x, integers<int64_t>(DType::i64, {2, 7, 1}, -5, 4)});
  check(ops::GatherND{.batch_dims = 2}, {x, integers<int64_t>(DType::i64, {2, 5, 2}, 0, 2)});
  check_fails(ops::GatherND{},
              {x, Tensor::of<int64_t>(DType::i64, {1, 1}, std::array<int64_t, 1>{9})},
              Tensor::zeros(DType::f32, {1, 5, 4, 3}));
}

TEST_F(Indexing, GatherElements) {
  const Tensor x = floats({4, 5, 6}, 1);
  for (const int64_t axis : {0, 1, 2, -1})
    check(ops::GatherElements{.axis = axis}, {x, integers<int64_t>(DType::i64, {3, 5, 4}, -4, 3)});
  check(ops::GatherElements{.axis = 1},
        {floats({300, 100}, 2), integers<int32_t>(DType::i32, {300, 250}, -100, 99)});
  check_fails(ops::GatherElements{}, {x, integers<int64_t>(DType::i64, {1, 1, 1}, 4, 4)},
              Tensor::zeros(DType::f32, {1, 1, 1}));
}

TEST_F(Indexing, ScatterND) {
  const Tensor x = floats({6, 5, 3}, 1);
  check(ops::ScatterND{}, {x, integers<int64_t>(DType::i64, {4, 1}, -6, 5), floats({4, 5, 3}, 2)});
  check(ops::ScatterND{}, {x, integers<int64_t>(DType::i64, {2, 4, 3}, 0, 2), floats({2, 4}, 2)});
  check(ops::ScatterND{.reduction = "add"},
        {x, integers<int64_t>(DType::i64, {40, 2}, 0, 4), floats({40, 3}, 2)});
  check(ops::ScatterND{},
        {integers<int64_t>(DType::i64, {9}, 0, 99), integers<int64_t>(DType::i64, {3, 1}, 0, 8),
         integers<int64_t>(DType::i64, {3}, -9, -1)});
  check_fails(ops::ScatterND{},
              {x, integers<int64_t>(DType::i64, {4, 1}, 6, 6), floats({4, 5, 3}, 2)}, x);
}

TEST_F(Indexing, ScatterByEveryReduction) {
  const Tensor tuples = integers<int64_t>(DType::i64, {40, 2}, -5, 4);
  const Tensor at = integers<int32_t>(DType::i32, {9, 5, 2}, -6, 5);
  for (const char* reduction : {"none", "add", "mul", "max", "min"}) {
    const auto both = [&](const Tensor& x, const Tensor& pieces, const Tensor& elements) {
      check(ops::ScatterND{.reduction = reduction}, {x, tuples, pieces});
      check(ops::ScatterElements{.axis = 0, .reduction = reduction}, {x, at, elements});
    };
    both(floats({6, 5, 3}, 1), floats({40, 3}, 2), floats({9, 5, 2}, 3));
    both(integers<int64_t>(DType::i64, {6, 5, 3}, -9, 9),
         integers<int64_t>(DType::i64, {40, 3}, -9, 9, 2),
         integers<int64_t>(DType::i64, {9, 5, 2}, -9, 9, 3));
    both(integers<int32_t>(DType::i32, {6, 5, 3}, -9, 9),
         integers<int32_t>(DType::i32, {40, 3}, -9, 9, 2),
         integers<int32_t>(DType::i32, {9, 5, 2}, -9, 9, 3));
  }
}

TEST_F(Indexing, ScatterElements) {
  const Tensor x = floats({4, 5, 6}, 1);
  for (const int64_t axis : {0, 1, 2, -1}) {
    for (const Dims& dims : {Dims{4, 5, 6}, Dims{2, 3, 4}, Dims{4, 1, 6}, Dims{0, 3, 4}})
      check(ops::ScatterElements{.axis = axis},
            {x, integers<int64_t>(DType::i64, dims, -4, 3), floats(dims, 2)});
  }
  // The same places many times, along the first and the last axis, on several threads.
  check(ops::ScatterElements{.axis = 0}, {integers<uint8_t>(DType::u8, {4, 5000}, 0, 255),
                                          integers<int64_t>(DType::i64, {9, 5000}, -4, 3),
                                          integers<uint8_t>(DType::u8, {9, 5000}, 0, 255)});
  check(ops::ScatterElements{.axis = 1, .reduction = "add"},
        {integers<int64_t>(DType::i64, {500, 4}, 0, 9),
         integers<int64_t>(DType::i64, {500, 90}, 0, 3),
         integers<int64_t>(DType::i64, {500, 90}, 0, 9)});
  check_fails(ops::ScatterElements{},
              {x, integers<int64_t>(DType::i64, {1, 1, 1}, -5, -5), floats({1, 1, 1}, 2)}, x);
}

TEST_F(Indexing, PlacesOfExtremes) {
  for (const int64_t axis : {0, 1, 2, -1}) {
    for (const bool last : {false, true}) {
      const ops::ArgMax most{.axis = axis, .select_last_index = last};
      const ops::ArgMin least{.axis = axis, .keepdims = false, .select_last_index = last};
      const auto both = [&](const Tensor& x) {
        check(most, {x});
        check(least, {x});
      };
      both(floats({9, 11, 5}, 1));
      both(integers<int64_t>(DType::i64, {9, 11, 5}, -2, 2));
      both(integers<int32_t>(DType::i32, {40, 3000, 2}, -2, 2));
    }
  }
}

TEST_F(Indexing, TopK) {
  Tensor x = floats({40, 33, 7}, 1);
  // Ties and what is no number.
  for (size_t i = 0; i < 4000; i += 3) x.mutable_values<float>()[i] = 1;
  for (size_t i = 5; i < 4000; i += 31) x.mutable_values<float>()[i] = NAN;
  for (const int64_t axis : {0, 1, 2, -2}) {
    for (const bool largest : {true, false}) {
      for (const int64_t k : {0, 1, 5, 7})
        check(ops::TopK{.axis = axis, .largest = largest},
              {x, Tensor::vector_i64(std::array<int64_t, 1>{k})}, 1, 2);
    }
  }
  check(ops::TopK{},
        {integers<int64_t>(DType::i64, {3, 5000}, -90, 90),
         Tensor::vector_i64(std::array<int64_t, 1>{5000})},
        1, 2);
  check(ops::TopK{},
        {integers<int32_t>(DType::i32, {3, 500}, -90, 90),
         Tensor::vector_i64(std::array<int64_t, 1>{17})},
        1, 1);
}

template <class Op>
void check_reduction(Indexing& t, const Tensor& x) {
  for (const std::vector<int64_t>& axes : std::vector<std::vector<int64_t>>{
           {0}, {1}, {3}, {-1, -2}, {0, 1}, {1, 2}, {0, 2}, {0, 3}, {1, 3}, {0, 1, 2, 3}, {}}) {
    for (const bool keep : {true, false}) {
      SCOPED_TRACE(testing::Message() << Op::kName << " " << axes.size());
      t.check(Op{.keepdims = keep}, {x, Tensor::vector_i64(axes)}, 1);
      t.check(Op{.keepdims = keep, .noop_with_empty_axes = true}, {x, Tensor::vector_i64(axes)}, 1);
    }
  }
}

TEST_F(Indexing, ReductionsOfFloats) {
  Tensor x = floats({4, 3, 37, 5}, 1, 0.7F, 1.3F);
  check_reduction<ops::ReduceSum>(*this, x);
  check_reduction<ops::ReduceProd>(*this, x);
  check_reduction<ops::ReduceSumSquare>(*this, x);
  check_reduction<ops::ReduceMean>(*this, x);
  check_reduction<ops::ReduceL1>(*this, floats({4, 3, 37, 5}, 2));
  check_reduction<ops::ReduceL2>(*this, x);
  x.mutable_values<float>()[77] = NAN;
  x.mutable_values<float>()[177] = -INFINITY;
  check_reduction<ops::ReduceMax>(*this, x);
  check_reduction<ops::ReduceMin>(*this, x);
  check(ops::ReduceSum{}, {floats({200, 4096}, 3), Tensor::vector_i64(std::array<int64_t, 1>{1})},
        1);
  check(ops::ReduceSum{}, {floats({200, 4096}, 3), Tensor::vector_i64(std::array<int64_t, 1>{0})},
        1);
}

TEST_F(Indexing, ReductionsOfIntegers) {
  const Tensor wide = integers<int64_t>(DType::i64, {4, 3, 37, 5}, INT64_MIN / 2, INT64_MAX / 2);
  const Tensor narrow = integers<int32_t>(DType::i32, {4, 3, 37, 5}, INT32_MIN, INT32_MAX);
  const Tensor byte = integers<uint8_t>(DType::u8, {4, 3, 37, 5}, 0, 255);
  const Tensor truth = integers<uint8_t>(DType::boolean, {4, 3, 37, 5}, 0, 1);
  for (const Tensor& x : {wide, narrow}) {  // ONNX sums no smaller integers
    check_reduction<ops::ReduceSum>(*this, x);
    check_reduction<ops::ReduceProd>(*this, x);
    check_reduction<ops::ReduceSumSquare>(*this, x);
  }
  for (const Tensor& x : {wide, narrow, byte, truth}) {
    check_reduction<ops::ReduceMax>(*this, x);
    check_reduction<ops::ReduceMin>(*this, x);
  }
}

TEST_F(Indexing, RoiAlign) {
  const Tensor x = floats({2, 37, 20, 30}, 1);
  Tensor rois = floats({50, 4}, 2, -20, 130);
  const auto v = rois.mutable_values<float>();
  for (size_t i = 0; i < 40; ++i) {  // the first ones are boxes, the others anything
    v[4 * i + 2] = v[4 * i] + std::abs(v[4 * i + 2]);
    v[4 * i + 3] = v[4 * i + 1] + std::abs(v[4 * i + 3]);
  }
  const Tensor images = integers<int64_t>(DType::i64, {50}, 0, 1);
  for (const char* pixels : {"half_pixel", "output_half_pixel"}) {
    for (const int64_t ratio : {0, 1, 2}) {
      check(ops::RoiAlign{.coordinate_transformation_mode = pixels,
                          .output_height = 7,
                          .output_width = 5,
                          .sampling_ratio = ratio,
                          .spatial_scale = 0.25F},
            {x, rois, images});
    }
  }
  check_fails(ops::RoiAlign{}, {x, rois, integers<int64_t>(DType::i64, {50}, 2, 2)},
              Tensor::zeros(DType::f32, {50, 37, 1, 1}));
}

}  // namespace
}  // namespace tenon::cpu
