#include "ops/scatter_elements/scatter_elements.h"

#include <algorithm>

#include "ops/common/lower.h"

namespace tenon::ops {
namespace scatter_elements_lowering {

using lower::V;
using torch::LowerContext;

// The source may be larger than the index: what lies beyond is not used.
V* cut(LowerContext& c, V* source, const Sizes& to) {
  const Sizes sizes = lower::sizes(c, source);
  for (size_t i = 0; i < std::min(sizes.size(), to.size()); ++i) {
    if (!(sizes[i] == to[i])) source = lower::slice(c, source, static_cast<int64_t>(i), 0, to[i]);
  }
  return source;
}

struct Operands {
  V *x, *index, *source;
  int64_t axis;
  bool flat;  // 0-d tensors are handled as vectors
};

std::optional<Operands> operands(LowerContext& c) {
  V *x = c.tensor("self"), *index = c.b.cast(c.tensor("index"), DType::i64);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return std::nullopt;
  const bool flat = lower::rank(c, x) == 0;
  if (flat) x = lower::unsqueeze(c, x, {0});
  if (lower::rank(c, index) == 0) index = lower::unsqueeze(c, index, {0});
  const Sizes at = lower::sizes(c, index);
  V* source = nullptr;
  if (c.has("value")) {
    source = lower::expand(c, c.scalar("value", x->dtype()), at);
  } else {
    source = c.tensor("src");
    if (lower::rank(c, source) == 0) source = lower::unsqueeze(c, source, {0});
    source = cut(c, c.b.cast(source, x->dtype()), at);
  }
  return Operands{x, index, source, *axis, flat};
}

V* scatter(LowerContext& c, const Operands& o, std::string reduction) {
  V* out = c.b.emit(ScatterElements{.axis = o.axis, .reduction = std::move(reduction)},
                    {o.x, o.index, o.source});
  return o.flat ? lower::squeeze(c, out, {0}) : out;
}

V* plain(LowerContext& c) {
  const auto o = operands(c);
  return o ? scatter(c, *o, "none") : nullptr;
}
V* added(LowerContext& c) {
  const auto o = operands(c);
  return o ? scatter(c, *o, "add") : nullptr;
}
V* reduced(LowerContext& c) {
  const auto o = operands(c);
  if (!o) return nullptr;
  const std::string reduce = c.text("reduce");
  if (reduce != "add" && reduce != "multiply")
    return c.refuse("reduction '" + reduce + "' is not known");
  return scatter(c, *o, reduce == "add" ? "add" : "mul");
}

// scatter_reduce: with or without what was there before.
V* combined(LowerContext& c, std::optional<Operands> o) {
  if (!o) return nullptr;
  const std::string reduce = c.text("reduce");
  const bool include = c.flag("include_self");
  const std::string op = reduce == "sum" || reduce == "mean" ? "add"
                         : reduce == "prod"                  ? "mul"
                         : reduce == "amax"                  ? "max"
                         : reduce == "amin"                  ? "min"
                                                             : "";
  if (op.empty()) return c.refuse("reduction '" + reduce + "' is not known");
  V* one = lower::expand(c, lower::like(c, o->x, 1), lower::sizes(c, o->index));
  V* hit = nullptr;
  if (!include) {
    // What is hit starts from the reduction's neutral element.
    V* zeros = lower::expand(c, c.b.scalar(0, DType::i32), lower::sizes(c, o->x));
    V* ones = lower::expand(c, c.b.scalar(1, DType::i32), lower::sizes(c, o->index));
    hit = c.b.cast(c.b.emit(ScatterElements{.axis = o->axis}, {zeros, o->index, ones}),
                   DType::boolean);
    V* neutral = lower::like(c, o->x, op == "mul" ? 1 : 0);
    if (op == "max" || op == "min") {
      // Any source element of the place does: the last one written.
      neutral = c.b.emit(ScatterElements{.axis = o->axis}, {o->x, o->index, o->source});
    }
    o->x = lower::where(c, hit, neutral, o->x);
  }
  const Operands plain{o->x, o->index, o->source, o->axis, false};
  V* out = scatter(c, plain, op);
  if (reduce == "mean") {
    V* start = lower::expand(c, lower::like(c, o->x, include ? 1 : 0), lower::sizes(c, o->x));
    V* count =
        c.b.emit(ScatterElements{.axis = o->axis, .reduction = "add"}, {start, o->index, one});
    count = c.b.emit_named("Max", {count, lower::like(c, count, 1)});
    if (is_floating(out->dtype())) {
      out = lower::div(c, out, count);
    } else {  // integers round down
      V* rest = c.b.emit_with("Mod", {{"fmod", int64_t{0}}}, {out, count});
      out = lower::div(c, lower::sub(c, out, rest), count);
    }
  }
  return o->flat ? lower::squeeze(c, out, {0}) : out;
}
V* scatter_reduce(LowerContext& c) { return combined(c, operands(c)); }

// index_add, index_copy, index_fill, index_reduce: whole slices at the places of a vector.
std::optional<Operands> along(LowerContext& c, std::string_view source_name) {
  V *x = c.tensor("self"), *index = c.b.cast(c.tensor("index"), DType::i64);
  const auto axis = lower::axis(c, "dim", x);
  if (!axis) return std::nullopt;
  const bool flat = lower::rank(c, x) == 0;
  if (flat) x = lower::unsqueeze(c, x, {0});
  if (lower::rank(c, index) == 0) index = lower::unsqueeze(c, index, {0});
  Sizes at = lower::sizes(c, x);
  const Sizes count = lower::sizes(c, index);
  if (count.size() != 1) {
    c.refuse("the index is no vector");
    return std::nullopt;
  }
  at[static_cast<size_t>(*axis)] = count[0];
  std::vector<int64_t> spread;
  for (size_t i = 0; i < at.size(); ++i) {
    if (static_cast<int64_t>(i) != *axis) spread.push_back(static_cast<int64_t>(i));
  }
  V* places = lower::expand(c, lower::unsqueeze(c, index, spread), at);
  V* source = nullptr;
  if (source_name == "value") {
    source = lower::expand(c, c.scalar("value", x->dtype()), at);
  } else {
    source = c.b.cast(c.tensor(source_name), x->dtype());
    if (lower::rank(c, source) == 0) source = lower::unsqueeze(c, source, {0});
    if (c.has("alpha")) source = lower::mul(c, source, c.scalar("alpha", x->dtype()));
    source = lower::expand(c, source, at);
  }
  return Operands{x, places, source, *axis, flat};
}

V* index_add(LowerContext& c) {
  const auto o = along(c, "source");
  return o ? scatter(c, *o, "add") : nullptr;
}
V* index_copy(LowerContext& c) {
  const auto o = along(c, "source");
  return o ? scatter(c, *o, "none") : nullptr;
}
V* index_fill(LowerContext& c) {
  const auto o = along(c, "value");
  return o ? scatter(c, *o, "none") : nullptr;
}
V* index_reduce(LowerContext& c) { return combined(c, along(c, "source")); }

// put: at places of the flattened tensor.
V* put(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes sizes = lower::sizes(c, x);
  auto flat = [&](V* t) { return lower::reshape(c, t, {ir::product(lower::sizes(c, t))}); };
  const Operands o{flat(x), flat(c.b.cast(c.tensor("index"), DType::i64)),
                   flat(c.b.cast(c.tensor("source"), x->dtype())), 0, false};
  return lower::reshape(c, scatter(c, o, c.flag("accumulate") ? "add" : "none"), sizes);
}

}  // namespace scatter_elements_lowering

std::span<const torch::Lowering> scatter_elements_torch() {
  using namespace scatter_elements_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::scatter.src", plain},
      {"aten::scatter.value", plain},
      {"aten::scatter.reduce", reduced},
      {"aten::scatter.value_reduce", reduced},
      {"aten::scatter_add", added},
      {"aten::scatter_reduce.two", scatter_reduce},
      {"aten::index_add", index_add},
      {"aten::index_copy", index_copy},
      {"aten::index_fill.int_Scalar", index_fill},
      {"aten::index_fill.int_Tensor", index_fill},
      {"aten::index_reduce", index_reduce},
      {"aten::put", put},
  };
  return kAll;
}

}  // namespace tenon::ops
