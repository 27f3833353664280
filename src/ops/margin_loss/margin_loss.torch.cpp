// Losses between each class's score and those of the classes that a sample has.
#include "ops/common/lower_loss.h"
#include "ops/cumsum/cumsum.h"
#include "ops/gather_elements/gather_elements.h"

namespace tenon::ops {
namespace margin_loss_lowering {

using lower::Expr;
using lower::reduced;
using lower::V;
using torch::LowerContext;

// 0 .. classes - 1.
V* class_numbers(LowerContext& c, const ir::Dim& classes) {
  return c.b.emit_named("Range", {c.b.scalar_int(0), c.b.dim(classes), c.b.scalar_int(1)});
}

// Scores and target with a dimension for the samples, which a single sample lacks.
struct Samples {
  V* scores = nullptr;  // samples x classes
  bool single = false;
  ir::Dim samples, classes;
};
std::optional<Samples> samples(LowerContext& c) {
  V* x = c.tensor("self");
  const Sizes sizes = lower::sizes(c, x);
  if (sizes.size() > 2) {
    c.refuse("the input has more than the dimensions samples and classes");
    return std::nullopt;
  }
  const bool single = sizes.size() < 2;
  const ir::Dim classes = sizes.empty() ? ir::Dim(1) : sizes.back();
  const ir::Dim count = single ? ir::Dim(1) : sizes[0];
  return Samples{lower::reshape(c, x, {count, classes}), single, count, classes};
}

// The losses' sum over the classes, over the number of classes.
Expr per_class(LowerContext& c, const Samples& all, const Expr& sum) {
  return sum / Expr(c, lower::count(c, all.scores, {1}, all.scores->dtype()));
}

V* multi_margin(LowerContext& c) {
  const auto all = samples(c);
  if (!all) return nullptr;
  const double p = c.number("p");
  if (p != 1 && p != 2) return c.refuse("multi_margin_loss takes the powers 1 and 2 only");
  V* target = lower::reshape(c, c.tensor("target"), {all->samples, 1});
  const Expr scores(c, all->scores);
  const Expr own(c, c.b.emit(GatherElements{.axis = 1}, {all->scores, target}));
  Expr losses = (c.number("margin") - own + scores).call("clamp_min", {0});
  if (p == 2) losses = losses * losses;
  if (c.has("weight")) losses = losses * Expr(c, lower::gather(c, c.tensor("weight"), target, 0));
  const Expr is_own = equal(Expr(c, target), Expr(c, class_numbers(c, all->classes)));
  losses = per_class(c, *all, losses.call("masked_fill", {is_own, 0}).sum(1));
  const bool scalar = all->single && lower::sizes(c, c.tensor("target")).empty();
  if (scalar) losses = losses.sum();
  return reduced(c, losses);
}

// The target lists a sample's classes; what follows a negative number does not count. Gives the
// losses, and which classes each sample has.
std::pair<Expr, V*> multilabel(LowerContext& c, const Samples& all, V* target) {
  V* zero = lower::like(c, target, 0);
  V* ended = c.b.emit(
      CumSum{}, {c.b.cast(c.b.emit_named("Less", {target, zero}), DType::i64), c.b.scalar_int(1)});
  const Expr listed(c, c.b.emit_named("Equal", {ended, c.b.scalar_int(0)}));
  const Expr classes = listed.where(Expr(c, target), Expr(c, zero));
  const Expr own(c, c.b.emit(GatherElements{.axis = 1}, {all.scores, classes.result()}));
  // samples x listed x classes
  auto rows = [&](const Expr& x) { return x.call("unsqueeze", {2}); };
  auto columns = [&](const Expr& x) { return x.call("unsqueeze", {1}); };
  const Expr hits = rows(listed).call(
      "logical_and", {equal(rows(classes), Expr(c, class_numbers(c, all.classes)))});
  const Expr has = hits.call("any", {1});
  const Expr pairs = (1 - rows(own) + columns(Expr(c, all.scores))).call("clamp_min", {0});
  const Expr counts = rows(listed).call("logical_and", {columns(has).call("logical_not")});
  const Expr losses = counts.where(pairs, 0).call("sum", {pairs.ints({1, 2})});
  return {per_class(c, all, losses), has.to(all.scores->dtype()).result()};
}

V* multilabel_margin_forward(LowerContext& c) {
  const auto all = samples(c);
  if (!all) return nullptr;
  const Sizes shape = lower::sizes(c, c.tensor("target"));
  V* target =
      c.b.cast(lower::reshape(c, c.tensor("target"), {all->samples, all->classes}), DType::i64);
  auto [losses, has] = multilabel(c, *all, target);
  if (all->single) losses = losses.sum();
  V* loss = reduced(c, losses);
  if (c.refused()) return nullptr;
  return c.give({loss, lower::reshape(c, has, shape)});
}
V* multilabel_margin(LowerContext& c) {
  V* loss = multilabel_margin_forward(c);
  if (!c.results.empty()) c.results.resize(1);
  return loss;
}

}  // namespace margin_loss_lowering

std::span<const torch::Lowering> margin_loss_torch() {
  using namespace margin_loss_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::multi_margin_loss", multi_margin},
      {"aten::multilabel_margin_loss", multilabel_margin},
      {"aten::multilabel_margin_loss_forward", multilabel_margin_forward},
  };
  return kAll;
}

}  // namespace tenon::ops
