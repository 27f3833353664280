// PyTorch's random tensors. The numbers are others than PyTorch's, from the same distributions;
// what ONNX does not draw is computed from uniform numbers by the inverse of the distribution
// function.
#include "ops/random/random.h"

#include <cmath>
#include <numbers>

#include "ops/common/lower.h"
#include "ops/common/lower_expr.h"
#include "ops/topk/topk.h"

namespace tenon::ops {
namespace random_lowering {

using lower::Expr;
using lower::V;
using torch::LowerContext;

// What is to be drawn: of this shape, in this type at the end.
struct Form {
  Sizes shape;
  DType type = DType::f32;
  // What it is drawn in: ONNX Runtime draws only f32 and f64.
  DType wide() const { return type == DType::f64 ? DType::f64 : DType::f32; }
};

DType asked(LowerContext& c, DType fallback) { return c.dtype("dtype").value_or(fallback); }
Form sized(LowerContext& c, DType fallback = DType::f32) {
  return {c.ints("size"), asked(c, fallback)};
}
// Like the tensor `self`, which is not read: its memory may be uninitialised.
Form like_self(LowerContext& c) {
  const torch::TensorRef* t = c.value("self").get<torch::TensorRef>();
  return t ? Form{(*t)->sizes, asked(c, (*t)->dtype)} : Form{};
}

// A generator is no part of a program that is saved, so that None stands for it.
bool refuses_generator(LowerContext& c) {
  if (!c.has("generator")) return false;
  c.refuse("ONNX has no generators of random numbers", "leave the generator out");
  return true;
}

template <class Sized, class Like>
V* draw(LowerContext& c, const Form& form, Sized sized, Like like) {
  sized.dtype = static_cast<int64_t>(form.wide());
  like.dtype = sized.dtype;
  if (const auto dims = ir::constant_dims(form.shape)) {
    sized.shape = *dims;
    return c.b.emit(sized, {});
  }
  return c.b.emit(like, {lower::expand(c, c.b.scalar(0, form.wide()), form.shape)});
}

// Uniform over [0, 1), and over (0, 1], in the wide type.
V* unit(LowerContext& c, const Form& form) {
  return draw(c, form, RandomUniform{}, RandomUniformLike{});
}
V* positive_unit(LowerContext& c, const Form& form) {
  V* u = unit(c, form);
  return lower::sub(c, lower::like(c, u, 1), u);
}
V* standard_normal(LowerContext& c, const Form& form) {
  return draw(c, form, RandomNormal{}, RandomNormalLike{});
}
// factor * x + offset
V* scaled(LowerContext& c, V* x, double factor, double offset) {
  if (factor != 1) x = lower::mul(c, x, lower::like(c, x, factor));
  return offset == 0 ? x : lower::add(c, x, lower::like(c, x, offset));
}
V* logarithm(LowerContext& c, V* x) { return c.b.emit_named("Log", {x}); }

V* rand(LowerContext& c, const Form& form) {
  if (refuses_generator(c)) return nullptr;
  if (!is_floating(form.type)) return c.refuse("uniform numbers of a type that is not floating");
  // A narrower type than f32 would round up to 1.
  if (bits(form.type) < 32) {
    const double steps = form.type == DType::f16 ? 2048 : 256;
    V* step = c.b.emit_named("Floor", {scaled(c, unit(c, form), steps, 0)});
    return c.b.cast(scaled(c, step, 1 / steps, 0), form.type);
  }
  return unit(c, form);
}
V* rand_sized(LowerContext& c) { return rand(c, sized(c)); }
V* rand_like(LowerContext& c) { return rand(c, like_self(c)); }
V* uniform(LowerContext& c) {
  const double from = c.number("from"), to = c.number("to");
  if (!(from <= to)) return c.refuse("the range is empty");
  V* u = rand(c, like_self(c));
  return u ? scaled(c, u, to - from, from) : nullptr;
}

V* randn(LowerContext& c, const Form& form, double mean = 0, double deviation = 1) {
  if (refuses_generator(c)) return nullptr;
  if (!is_floating(form.type)) return c.refuse("normal numbers of a type that is not floating");
  return c.b.cast(scaled(c, standard_normal(c, form), deviation, mean), form.type);
}
V* randn_sized(LowerContext& c) { return randn(c, sized(c)); }
V* randn_like(LowerContext& c) { return randn(c, like_self(c)); }
V* normal_sized(LowerContext& c) { return randn(c, sized(c), c.number("mean"), c.number("std")); }
V* normal_like(LowerContext& c) {
  return randn(c, like_self(c), c.number("mean"), c.number("std"));
}
V* log_normal(LowerContext& c) {
  V* x = normal_like(c);
  return x ? c.b.emit_named("Exp", {x}) : nullptr;
}

// Means or deviations, or both, are tensors, which broadcast.
V* normal_of_tensors(LowerContext& c) {
  if (refuses_generator(c)) return nullptr;
  const DType type = c.is_number("mean")  ? c.tensor("std")->dtype()
                     : c.is_number("std") ? c.tensor("mean")->dtype()
                                          : c.promoted({"mean", "std"});
  V *mean = c.operand("mean", type), *deviation = c.operand("std", type);
  const auto shape = lower::broadcast(c, {lower::sizes(c, mean), lower::sizes(c, deviation)});
  if (!shape) return nullptr;
  V* x = randn(c, {*shape, type});
  return x ? lower::add(c, lower::mul(c, x, deviation), mean) : nullptr;
}

// The smallest is half a step of the type at 1, as in PyTorch: exponential numbers are never 0.
V* standard_exponential(LowerContext& c, const Form& form) {
  V* u = logarithm(c, positive_unit(c, form));
  const double half_step = std::ldexp(1.0, form.wide() == DType::f64 ? -53 : -24);
  return c.b.emit_named("Neg", {c.b.emit_named("Min", {u, lower::like(c, u, -half_step)})});
}
V* exponential(LowerContext& c) {
  if (refuses_generator(c)) return nullptr;
  const Form form = like_self(c);
  return c.b.cast(scaled(c, standard_exponential(c, form), 1 / c.number("lambd"), 0), form.type);
}
V* cauchy(LowerContext& c) {
  if (refuses_generator(c)) return nullptr;
  const Form form = like_self(c);
  V* angle = scaled(c, scaled(c, unit(c, form), 1, -0.5), std::numbers::pi, 0);
  return c.b.cast(scaled(c, c.b.emit_named("Tan", {angle}), c.number("sigma"), c.number("median")),
                  form.type);
}
// How many trials it takes until one succeeds.
V* geometric(LowerContext& c) {
  if (refuses_generator(c)) return nullptr;
  const double p = c.number("p");
  if (!(p > 0 && p < 1)) return c.refuse("a probability that is not between 0 and 1");
  const Form form = like_self(c);
  V* trials = scaled(c, logarithm(c, positive_unit(c, form)), 1 / std::log1p(-p), 0);
  trials = c.b.emit_named("Ceil", {trials});
  return c.b.cast(c.b.emit_named("Max", {trials, lower::like(c, trials, 1)}), form.type);
}

// Integers from low to high, high not included, drawn as f64.
V* integers(LowerContext& c, const Form& form, const ir::Dim& low, const ir::Dim& high) {
  if (refuses_generator(c)) return nullptr;
  const ir::Dim count = high - low;
  if (const auto n = count.constant(); n && (*n <= 0 || *n > (int64_t{1} << 53)))
    return c.refuse("a range of no integers, or of more than f64 tells apart");
  V* u = unit(c, {form.shape, DType::f64});
  V* n = c.b.dim(count);
  V* drawn =
      c.b.cast(c.b.emit_named("Floor", {lower::mul(c, u, c.b.cast(n, DType::f64))}), DType::i64);
  drawn = c.b.emit_named("Min", {drawn, c.b.dim(count - 1)});
  return c.b.cast(low.is(0) ? drawn : lower::add(c, drawn, c.b.dim(low)), form.type);
}
ir::Dim lowest(LowerContext& c) { return c.has("low") ? c.integer("low") : ir::Dim(0); }
V* randint_sized(LowerContext& c) {
  return integers(c, sized(c, DType::i64), lowest(c), c.integer("high"));
}
V* randint_like(LowerContext& c) { return integers(c, like_self(c), lowest(c), c.integer("high")); }

// The integers that a type holds exactly, from 0 on: how many, at most.
int64_t holds(DType type) {
  if (type == DType::boolean) return 2;
  if (is_floating(type)) {
    const int bits_of = type == DType::f64   ? 53
                        : type == DType::f32 ? 24
                        : type == DType::f16 ? 11
                                             : 8;
    return (int64_t{1} << bits_of) + 1;
  }
  const bool is_unsigned = type == DType::u8 || type == DType::u16 || type == DType::u32;
  const auto width = static_cast<int>(bits(type));
  return width >= 64 ? ir::Interval::kMax : int64_t{1} << (is_unsigned ? width : width - 1);
}
V* random(LowerContext& c) {
  const Form form = like_self(c);
  const ir::Dim low = c.has("from") ? c.integer("from") : ir::Dim(0);
  const ir::Dim high = c.has("to") ? c.integer("to") : ir::Dim(holds(form.type));
  return integers(c, form, low, high);
}

V* randperm(LowerContext& c) {
  if (refuses_generator(c)) return nullptr;
  const ir::Dim n = c.integer("n");
  V* order = c.b.emit_n(TopK{.axis = 0}, {unit(c, {{n}, DType::f64}), c.b.shape({{n}})}, 2)[1];
  return c.b.cast(order, asked(c, DType::i64));
}

// Whether a uniform number is below the probability, and not ONNX's Bernoulli: the function that
// defines it compares the wrong way round, so that ONNX Runtime gives 1 with probability 1 - p.
V* bernoulli_of(LowerContext& c, V* p, DType type) {
  if (p->dtype() != DType::f64) p = c.b.cast(p, DType::f32);
  V* u = unit(c, {lower::sizes(c, p), p->dtype()});
  return c.b.cast(c.b.emit_named("Less", {u, p}), type);
}
V* bernoulli(LowerContext& c) {
  if (refuses_generator(c)) return nullptr;
  V* p = c.tensor("self");
  return is_floating(p->dtype()) ? bernoulli_of(c, p, p->dtype())
                                 : c.refuse("probabilities of a type that is not floating");
}
V* bernoulli_with(LowerContext& c) {
  if (refuses_generator(c)) return nullptr;
  const Form form = like_self(c);
  V* p = c.value("p").is<torch::TensorRef>() ? c.tensor("p") : c.scalar("p", DType::f64);
  if (!is_floating(p->dtype())) p = c.b.cast(p, DType::f32);
  return bernoulli_of(c, lower::expand(c, p, form.shape), form.type);
}

// Classes by their unnormalised probabilities. Without replacement, those of the largest p / q for
// exponential q come first, as in PyTorch.
V* multinomial(LowerContext& c) {
  if (refuses_generator(c)) return nullptr;
  V* p = c.tensor("self");
  const size_t rank = lower::rank(c, p);
  if (rank != 1 && rank != 2) return c.refuse("the probabilities are neither vector nor matrix");
  if (!is_floating(p->dtype())) return c.refuse("probabilities of a type that is not floating");
  p = c.b.cast(rank == 1 ? lower::unsqueeze(c, p, {0}) : p, DType::f32);
  const ir::Dim samples = c.integer("num_samples");
  V* drawn = nullptr;
  if (c.flag("replacement")) {
    if (!samples.constant())
      return c.refuse("ONNX's Multinomial draws a number of samples that is fixed in the model");
    Multinomial op{.dtype = static_cast<int64_t>(DType::i64),
                   .sample_size = *samples.constant(),
                   .seed = std::nullopt};
    drawn = c.b.emit(op, {logarithm(c, p)});
  } else {
    V* q = standard_exponential(c, {lower::sizes(c, p), DType::f32});
    drawn = c.b.emit_n(TopK{.axis = 1}, {lower::div(c, p, q), c.b.shape({{samples}})}, 2)[1];
  }
  return rank == 1 ? lower::squeeze(c, drawn, {0}) : drawn;
}

}  // namespace random_lowering

std::span<const torch::Lowering> random_torch() {
  using namespace random_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::rand", rand_sized},
      {"aten::rand.generator", rand_sized},
      {"aten::rand_like", rand_like},
      {"aten::rand_like.generator", rand_like},
      {"aten::uniform", uniform},
      {"aten::randn", randn_sized},
      {"aten::randn.generator", randn_sized},
      {"aten::randn_like", randn_like},
      {"aten::randn_like.generator", randn_like},
      {"aten::normal.float_float", normal_sized},
      {"aten::normal_functional", normal_like},
      {"aten::normal.Tensor_float", normal_of_tensors},
      {"aten::normal.float_Tensor", normal_of_tensors},
      {"aten::normal.Tensor_Tensor", normal_of_tensors},
      {"aten::log_normal", log_normal},
      {"aten::exponential", exponential},
      {"aten::cauchy", cauchy},
      {"aten::geometric", geometric},
      {"aten::randint", randint_sized},
      {"aten::randint.generator", randint_sized},
      {"aten::randint.low", randint_sized},
      {"aten::randint.low_generator", randint_sized},
      {"aten::randint_like", randint_like},
      {"aten::randint_like.generator", randint_like},
      {"aten::randint_like.low_dtype", randint_like},
      {"aten::randint_like.low_generator_dtype", randint_like},
      {"aten::random", random},
      {"aten::random.to", random},
      {"aten::random.from", random},
      {"aten::randperm", randperm},
      {"aten::randperm.generator", randperm},
      {"aten::bernoulli", bernoulli},
      {"aten::bernoulli.p", bernoulli_with},
      {"aten::bernoulli.Tensor", bernoulli_with},
      {"aten::multinomial", multinomial},
  };
  return kAll;
}

}  // namespace tenon::ops
