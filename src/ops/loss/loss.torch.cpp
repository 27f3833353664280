// Losses that are formulas of their arguments' elements, as ATen's native/Loss.cpp has them.
#include <numbers>

#include "ops/common/lower_loss.h"

namespace tenon::ops {
namespace loss_lowering {

using lower::equal;
using lower::Expr;
using lower::reduced;
using lower::unequal;
using lower::V;
using torch::LowerContext;

Expr self(LowerContext& c) { return Expr::argument(c, "self"); }
Expr target(LowerContext& c) { return Expr::argument(c, "target"); }

V* mse(LowerContext& c) {
  const Expr off = self(c) - target(c);
  return reduced(c, off * off);
}

V* l1(LowerContext& c) { return reduced(c, (self(c) - target(c)).call("abs")); }

V* smooth_l1(LowerContext& c) {
  const double beta = c.number("beta");
  if (beta < 0) return c.refuse("smooth_l1_loss takes no negative beta");
  const Expr off = (self(c) - target(c)).call("abs");
  if (beta == 0) return reduced(c, off);
  return reduced(c, (off < beta).where(0.5 * off * off / beta, off - 0.5 * beta));
}

V* huber(LowerContext& c) {
  const double delta = c.number("delta");
  if (delta <= 0) return c.refuse("huber_loss takes a delta above zero only");
  const Expr off = (self(c) - target(c)).call("abs");
  return reduced(c, (off <= delta).where(0.5 * off * off, delta * (off - 0.5 * delta)));
}

V* soft_margin(LowerContext& c) {
  return reduced(c, (-target(c) * self(c)).call("exp").call("log1p"));
}

V* kl_div(LowerContext& c) {
  const Expr x = self(c), y = target(c);
  if (c.flag("log_target")) return reduced(c, y.call("exp") * (y - x));
  return reduced(c, y.call("xlogy", {y}) - y * x);
}

Expr weighted(LowerContext& c, const Expr& losses) {
  return c.has("weight") ? losses * Expr::argument(c, "weight") : losses;
}

// Logarithms are kept above -100, as PyTorch does.
V* binary_cross_entropy(LowerContext& c) {
  const Expr x = self(c), y = target(c);
  const Expr yes = x.call("log").call("clamp_min", {-100}),
             no = (-x).call("log1p").call("clamp_min", {-100});
  return reduced(c, weighted(c, (y - 1) * no - y * yes));
}

V* binary_cross_entropy_with_logits(LowerContext& c) {
  const Expr x = self(c), y = target(c);
  Expr log = x.call("log_sigmoid");
  if (c.has("pos_weight")) log = log * ((Expr::argument(c, "pos_weight") - 1) * y + 1);
  return reduced(c, weighted(c, (1 - y) * x - log));
}

V* hinge_embedding(LowerContext& c) {
  const Expr x = self(c), y = target(c);
  const Expr margin = (c.number("margin") - x).call("clamp_min", {0});
  return reduced(c, unequal(y, 1).where(margin, 0) + unequal(y, -1).where(x, 0));
}

V* margin_ranking(LowerContext& c) {
  const Expr apart = Expr::argument(c, "input1") - Expr::argument(c, "input2");
  return reduced(c, (-target(c) * apart + c.number("margin")).call("clamp_min", {0}));
}

// Stirling's approximation of log(y!) stands for the term that does not depend on the input.
V* poisson_nll(LowerContext& c) {
  const Expr x = Expr::argument(c, "input"), y = target(c);
  Expr losses =
      c.flag("log_input") ? x.call("exp") - y * x : x - y * (x + c.number("eps")).call("log");
  if (c.flag("full")) {
    const Expr stirling = y * y.call("log") - y + 0.5 * (2 * std::numbers::pi * y).call("log");
    losses = losses + stirling.call("masked_fill", {y <= 1, 0});
  }
  return reduced(c, losses);
}

V* cosine_embedding(LowerContext& c) {
  constexpr double kEps = 1e-12;
  const Expr a = Expr::argument(c, "input1"), b = Expr::argument(c, "input2"), y = target(c);
  const int64_t axis = y.sizes().empty() ? 0 : 1;
  const Expr cosine =
      (a * b).sum(axis) / (((a * a).sum(axis) + kEps) * ((b * b).sum(axis) + kEps)).call("sqrt");
  const Expr near = equal(y, 1).where(1 - cosine, 0),
             far = equal(y, -1).where((cosine - c.number("margin")).call("clamp_min", {0}), 0);
  return reduced(c, near + far);
}

V* triplet_margin(LowerContext& c) {
  const Expr anchor = Expr::argument(c, "anchor"), positive = Expr::argument(c, "positive"),
             negative = Expr::argument(c, "negative");
  auto distance = [&](const Expr& a, const Expr& b) {
    return a.call("pairwise_distance", {b, Expr::argument(c, "p"), Expr::argument(c, "eps")});
  };
  Expr far = distance(anchor, negative);
  if (c.flag("swap")) far = far.call("minimum", {distance(positive, negative)});
  return reduced(c, (c.number("margin") + distance(anchor, positive) - far).call("clamp_min", {0}));
}

}  // namespace loss_lowering

std::span<const torch::Lowering> loss_torch() {
  using namespace loss_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::mse_loss", mse},
      {"aten::l1_loss", l1},
      {"aten::smooth_l1_loss", smooth_l1},
      {"aten::huber_loss", huber},
      {"aten::soft_margin_loss", soft_margin},
      {"aten::kl_div", kl_div},
      {"aten::binary_cross_entropy", binary_cross_entropy},
      {"aten::binary_cross_entropy_with_logits", binary_cross_entropy_with_logits},
      {"aten::hinge_embedding_loss", hinge_embedding},
      {"aten::margin_ranking_loss", margin_ranking},
      {"aten::poisson_nll_loss", poisson_nll},
      {"aten::cosine_embedding_loss", cosine_embedding},
      {"aten::triplet_margin_loss", triplet_margin},
  };
  return kAll;
}

}  // namespace tenon::ops
