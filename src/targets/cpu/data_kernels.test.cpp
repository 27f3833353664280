// The kernels of operators that pick, place and fold elements, each against its reference kernel,
// on sizes, types and orders of axes of many kinds.
#include <gtest/gtest.h>

#include <cmath>
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
#include "ops/tables.h"
#include "ops/topk/topk.h"
#include "targets/cpu/engine.h"

namespace tenon::cpu {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const Tables& tables() {
  static const Tables instance{ir::OpSet(ops::op_table()), ir::RefKernels(ops::ref_table()),
                               ops::cpu_table()};
  return instance;
}

template <class T>
Tensor filled(DType type, Dims dims, const std::function<T(std::mt19937&)>& draw,
              uint32_t seed = 1) {
  std::mt19937 engine(seed);
  Tensor out = Tensor::zeros(type, std::move(dims));
  for (T& v : out.mutable_values<T>()) v = draw(engine);
  return out;
}

// Numbers of a type; few different ones where ties matter.
Tensor numbers(DType type, Dims dims, bool few = false, uint32_t seed = 1) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::uniform_int_distribution<int> whole(few ? -2 : -1000, few ? 2 : 1000);
  if (type == DType::f32)
    return filled<float>(
        type, std::move(dims),
        [&](auto& e) { return few ? static_cast<float>(whole(e)) : uniform(e); }, seed);
  if (type == DType::f64)
    return filled<double>(
        type, std::move(dims), [&](auto& e) { return static_cast<double>(whole(e)); }, seed);
  if (type == DType::i32)
    return filled<int32_t>(type, std::move(dims), [&](auto& e) { return whole(e); }, seed);
  if (type == DType::u8 || type == DType::boolean)
    return filled<uint8_t>(
        type, std::move(dims), [&](auto& e) { return static_cast<uint8_t>(whole(e) & 1); }, seed);
  return filled<int64_t>(type, std::move(dims), [&](auto& e) { return whole(e); }, seed);
}

// Indices of an axis of this size, from both ends.
Tensor indices(DType type, Dims dims, int64_t size, uint32_t seed = 2) {
  std::uniform_int_distribution<int64_t> at(-size, size - 1);
  if (type == DType::i32)
    return filled<int32_t>(
        type, std::move(dims), [&](auto& e) { return static_cast<int32_t>(at(e)); }, seed);
  return filled<int64_t>(type, std::move(dims), [&](auto& e) { return at(e); }, seed);
}

template <class T>
void expect_values(const Tensor& got, const Tensor& want, double tolerance) {
  const auto a = got.values<T>(), e = want.values<T>();
  double most = 0;
  for (const T v : e) {
    if (std::isfinite(v)) most = std::max(most, std::abs(static_cast<double>(v)));
  }
  for (size_t i = 0; i < e.size(); ++i) {
    if (std::isfinite(e[i]))
      ASSERT_NEAR(a[i], e[i], tolerance * most) << i;
    else
      ASSERT_TRUE(a[i] == e[i] || (std::isnan(a[i]) && std::isnan(e[i]))) << i << ": " << a[i];
  }
}

// An input is given at the run where it has a value, else a constant of the graph.
struct Given {
  Tensor tensor;
  bool constant = false;
};

// Runs the node by the kernel of this name, and its reference kernel.
template <class Op>
void check(const Op& op, const std::vector<Given>& given, std::string_view tactic,
           size_t outputs = 1) {
  SCOPED_TRACE(Op::kName);
  ir::Graph graph;
  ir::Builder b(graph, tables().ops);
  std::vector<ir::Value*> values;
  std::vector<Tensor> inputs;
  for (const Given& one : given) {
    if (one.constant) {
      values.push_back(b.constant(one.tensor));
      continue;
    }
    values.push_back(
        graph.add_input("x" + std::to_string(inputs.size()),
                        ir::Type::tensor(one.tensor.dtype(), ir::to_shape(one.tensor.shape()))));
    inputs.push_back(one.tensor);
  }
  for (ir::Value* value : b.emit_n(op, values, outputs)) graph.add_output(value);
  const auto status = b.status();
  ASSERT_TRUE(status) << status.error().message();
  const auto want = ir::evaluate(graph, tables().refs, inputs);
  ASSERT_TRUE(want) << want.error().message();
  auto engine = Engine::compile(graph, tables(), {.threads = 2});
  ASSERT_TRUE(engine) << engine.error().message();
  Context context = engine->new_context();
  context.set_profiling(true);
  const auto got = context.run(inputs);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(context.layers().size(), 1U);
  EXPECT_EQ(context.layers()[0].tactic, tactic);
  for (size_t i = 0; i < want->size(); ++i) {
    const Tensor &a = (*got)[i], &e = (*want)[i];
    ASSERT_EQ(a.dtype(), e.dtype());
    ASSERT_EQ(a.shape(), e.shape());
    if (e.dtype() == DType::f32)
      expect_values<float>(a, e, 1e-6);
    else if (e.dtype() == DType::f64)
      expect_values<double>(a, e, 1e-14);
    else
      EXPECT_TRUE(std::ranges::equal(a.bytes(), e.bytes())) << "output " << i;
  }
}

// What the kernel says of an index that is outside of its axis.
template <class Op>
std::string refusal(const Op& op, const std::vector<Tensor>& inputs) {
  ir::Graph graph;
  ir::Builder b(graph, tables().ops);
  std::vector<ir::Value*> values;
  for (const Tensor& one : inputs)
    values.push_back(graph.add_input("x" + std::to_string(values.size()),
                                     ir::Type::tensor(one.dtype(), ir::to_shape(one.shape()))));
  graph.add_output(b.emit(op, values));
  auto engine = Engine::compile(graph, tables(), {.threads = 1});
  if (!engine) return engine.error().message();
  const auto got = engine->new_context().run(inputs);
  return got ? "none" : got.error().why;
}

Given axes(const std::vector<int64_t>& values) {
  return {Tensor::of<int64_t>(DType::i64, {static_cast<int64_t>(values.size())}, values), true};
}

TEST(DataKernels, Gather) {
  for (const DType type : {DType::f32, DType::f64, DType::i64, DType::u8, DType::boolean}) {
    for (const int64_t axis : {0, 1, -1}) {
      const Tensor x = numbers(type, {5, 6, 7});
      const int64_t size = x.shape()[static_cast<size_t>(axis < 0 ? 2 : axis)];
      check(ops::Gather{.axis = axis}, {{x}, {indices(DType::i64, {3, 4}, size)}}, "copy");
      check(ops::Gather{.axis = axis}, {{x}, {indices(DType::i32, {}, size)}}, "copy");
      check(ops::Gather{.axis = axis}, {{x}, {indices(DType::i64, {0}, size)}}, "copy");
    }
  }
  check(ops::Gather{}, {{numbers(DType::f32, {300})}, {indices(DType::i64, {40000}, 300)}}, "copy");
}

TEST(DataKernels, GatherOfTuples) {
  for (const DType type : {DType::f32, DType::i64, DType::boolean}) {
    const Tensor x = numbers(type, {4, 4, 4, 3});
    for (const int64_t depth : {1, 2, 3}) {
      check(ops::GatherND{}, {{x}, {indices(DType::i64, {5, 2, depth}, 4)}}, "copy");
      check(ops::GatherND{.batch_dims = 1}, {{x}, {indices(DType::i64, {4, 2, depth}, 3)}}, "copy");
    }
    check(ops::GatherND{.batch_dims = 2}, {{x}, {indices(DType::i32, {4, 4, 2}, 3)}}, "copy");
  }
}

TEST(DataKernels, GatherAndScatterOfElements) {
  for (const DType type : {DType::f32, DType::f64, DType::i64, DType::i32, DType::boolean}) {
    const Tensor x = numbers(type, {5, 6, 7});
    for (const int64_t axis : {0, 1, 2, -3}) {
      for (const Dims& dims : {Dims{5, 6, 7}, Dims{2, 3, 4}, Dims{5, 1, 7}, Dims{0, 3, 4}}) {
        const Tensor at = indices(DType::i64, dims, 5), updates = numbers(type, dims, false, 9);
        check(ops::GatherElements{.axis = axis}, {{x}, {at}}, "copy");
        for (const char* reduction : {"none", "add", "mul", "max", "min"}) {
          if (type == DType::boolean && std::string(reduction) != "none") continue;
          check(ops::ScatterElements{.axis = axis, .reduction = reduction}, {{x}, {at}, {updates}},
                "elements");
        }
      }
    }
  }
  // Along the first axis on several threads, and of many equal places.
  check(ops::ScatterElements{.axis = 0, .reduction = "add"},
        {{numbers(DType::i64, {4, 5000})},
         {indices(DType::i32, {9, 5000}, 4)},
         {numbers(DType::i64, {9, 5000})}},
        "elements");
}

TEST(DataKernels, ScatterOfTuples) {
  for (const DType type : {DType::f32, DType::f64, DType::i64, DType::i32, DType::u8}) {
    const Tensor x = numbers(type, {4, 5, 6});
    for (const int64_t depth : {1, 2, 3}) {
      Dims dims{7};
      for (size_t d = static_cast<size_t>(depth); d < 3; ++d) dims.push_back(x.shape()[d]);
      for (const char* reduction : {"none", "add", "mul", "max", "min"}) {
        if (type == DType::u8 && std::string(reduction) != "none") continue;
        check(ops::ScatterND{.reduction = reduction},
              {{x}, {indices(DType::i64, {7, depth}, 4)}, {numbers(type, dims, false, 5)}},
              "pieces");
      }
    }
  }
  check(ops::ScatterND{},
        {{numbers(DType::f32, {8, 3000})},
         {indices(DType::i32, {20, 1}, 8)},
         {numbers(DType::f32, {20, 3000}, false, 3)}},
        "pieces");
}

TEST(DataKernels, IndicesOutsideAreToldByValue) {
  const Tensor x = numbers(DType::f32, {4, 4}),
               at = Tensor::of<int64_t>(DType::i64, {1, 1}, {{-5}}),
               update = numbers(DType::f32, {1, 1});
  const std::string want = "index -5 is outside an axis of size 4";
  EXPECT_EQ(refusal(ops::Gather{}, {x, at}), want);
  EXPECT_EQ(refusal(ops::GatherND{}, {x, at}), want);
  EXPECT_EQ(refusal(ops::GatherElements{}, {x, at}), want);
  EXPECT_EQ(refusal(ops::ScatterElements{}, {x, at, update}), want);
  EXPECT_EQ(refusal(ops::ScatterND{}, {x, at, numbers(DType::f32, {1, 4})}), want);
}

TEST(DataKernels, TopK) {
  for (const DType type : {DType::f32, DType::f64, DType::i32, DType::i64}) {
    for (const bool few : {false, true}) {
      const Tensor x = numbers(type, {9, 11, 5}, few);
      for (const int64_t axis : {0, 1, 2}) {
        for (const bool largest : {true, false}) {
          for (const int64_t k : {int64_t{1}, int64_t{4}, x.shape()[static_cast<size_t>(axis)]})
            check(ops::TopK{.axis = axis, .largest = largest}, {{x}, axes({k})}, "select", 2);
        }
      }
    }
  }
  Tensor odd = Tensor::of<float>(
      DType::f32, {9}, {{0.0F, -0.0F, kNan, INFINITY, -INFINITY, kNan, 0.0F, 1.5F, -2.0F}});
  check(ops::TopK{}, {{odd}, axes({9})}, "select", 2);
  check(ops::TopK{.largest = false}, {{odd}, axes({7})}, "select", 2);
  check(ops::TopK{}, {{numbers(DType::f32, {20000}, true)}, axes({1000})}, "select", 2);
}

TEST(DataKernels, PlacesOfExtremes) {
  for (const DType type : {DType::f32, DType::f64, DType::i32, DType::i64}) {
    const Tensor x = numbers(type, {9, 11, 5}, true);
    for (const int64_t axis : {0, 1, -1}) {
      for (const bool last : {false, true}) {
        check(ops::ArgMax{.axis = axis, .select_last_index = last}, {{x}}, "lines");
        check(ops::ArgMin{.axis = axis, .keepdims = false, .select_last_index = last}, {{x}},
              "lines");
      }
    }
  }
}

template <class Op>
void check_reduction(DType type, bool few = false) {
  const Tensor x = numbers(type, {3, 4, 1, 5, 6}, few);
  for (const std::vector<int64_t>& over :
       {std::vector<int64_t>{0}, {1}, {4}, {-1, -2}, {0, 1}, {1, 2, 3}, {0, 4}, {1, 3}, {2}}) {
    check(Op{.keepdims = false}, {{x}, axes(over)}, "fold");
    check(Op{}, {{x}, axes(over)}, "fold");
  }
  check(Op{.keepdims = false}, {{x}}, "fold");
  check(Op{}, {{numbers(type, {1}, few)}}, "fold");
  // More columns than one block, more elements than one piece.
  check(Op{}, {{numbers(type, {3, 1000}, few)}, axes({0})}, "fold");
  check(Op{}, {{numbers(type, {3, 5001}, few)}, axes({1})}, "fold");
}

TEST(DataKernels, Reductions) {
  for (const DType type : {DType::f32, DType::f64, DType::i32, DType::i64}) {
    check_reduction<ops::ReduceSum>(type);
    check_reduction<ops::ReduceProd>(type, true);
    check_reduction<ops::ReduceSumSquare>(type);
    check_reduction<ops::ReduceMax>(type);
    check_reduction<ops::ReduceMin>(type);
    check_reduction<ops::ReduceMean>(type);
  }
  check_reduction<ops::ReduceL1>(DType::f32);
  check_reduction<ops::ReduceL2>(DType::f32);
}

TEST(DataKernels, ReductionsOfWhatIsNotFinite) {
  Tensor x = numbers(DType::f32, {40, 40});
  const auto v = x.mutable_values<float>();
  v[3] = kNan, v[41] = INFINITY, v[85] = -INFINITY, v[39] = kNan, v[200] = kNan, v[210] = INFINITY;
  for (const int64_t axis : {0, 1}) {
    check(ops::ReduceMax{}, {{x}, axes({axis})}, "fold");
    check(ops::ReduceMin{}, {{x}, axes({axis})}, "fold");
    check(ops::ReduceSum{}, {{x}, axes({axis})}, "fold");
    check(ops::ReduceL2{}, {{x}, axes({axis})}, "fold");
  }
}

TEST(DataKernels, RegionsOfImages) {
  const Tensor x = numbers(DType::f32, {2, 3, 20, 25});
  // Inside, across the edges, outside, of no size, turned over, and as large as all.
  const Tensor rois = Tensor::of<float>(
      DType::f32, {7, 4}, {{2.5F,  3.25F, 14.0F, 11.5F, -4.0F, -6.0F, 5.0F, 30.0F, 60.0F, 60.0F,
                            70.0F, 80.0F, 4.0F,  4.0F,  4.0F,  4.0F,  9.0F, 9.0F,  3.0F,  2.0F,
                            0.0F,  0.0F,  50.0F, 40.0F, 1.0F,  1.0F,  2.0F, 18.0F}});
  const Tensor batch = Tensor::of<int64_t>(DType::i64, {7}, {{0, 1, 0, 1, 1, 0, 1}});
  for (const char* mode : {"half_pixel", "output_half_pixel"}) {
    for (const int64_t ratio : {0, 1, 2, 3}) {
      for (const float scale : {1.0F, 0.5F})
        check(ops::RoiAlign{.coordinate_transformation_mode = mode,
                            .output_height = 5,
                            .output_width = 4,
                            .sampling_ratio = ratio,
                            .spatial_scale = scale},
              {{x}, {rois}, {batch}}, "separable");
    }
  }
  EXPECT_EQ(refusal(ops::RoiAlign{},
                    {x, numbers(DType::f32, {1, 4}), Tensor::of<int64_t>(DType::i64, {1}, {{2}})}),
            "index 2 is outside an axis of size 2");
}

}  // namespace
}  // namespace tenon::cpu
