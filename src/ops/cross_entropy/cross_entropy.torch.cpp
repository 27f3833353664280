// Negative log likelihood and cross entropy, of classes and of probabilities.
#include "ops/common/lower_loss.h"
#include "ops/gather_elements/gather_elements.h"

namespace tenon::ops {
namespace cross_entropy_lowering {

using lower::equal;
using lower::Expr;
using lower::reduced;
using lower::Reduction;
using lower::V;
using torch::LowerContext;

// The classes' axis: the second, or the only one of a single sample.
int64_t class_axis(const Expr& x) { return x.sizes().size() == 1 ? 0 : 1; }

// The weight of each class along the classes' axis.
Expr class_weights(LowerContext& c, const Expr& x) {
  const Expr weight = Expr::argument(c, "weight");
  std::vector<int64_t> shape(x.sizes().size(), 1);
  shape[static_cast<size_t>(class_axis(x))] = -1;
  return weight.call("view", {weight.ints(shape)});
}

struct Likelihood {
  Expr losses;   // of each sample, with 0 for those that are ignored
  Expr weights;  // of each sample, in the same way
};

Likelihood likelihood(LowerContext& c, const Expr& x, const Expr& target) {
  const int64_t axis = class_axis(x);
  const Expr counts = lower::unequal(target, Expr(c, torch::Value(c.integer("ignore_index"))));
  const Expr classes = counts.where(target, 0).to(DType::i64);
  V* picked = c.b.emit(GatherElements{.axis = axis},
                       {x.result(), lower::unsqueeze(c, classes.result(), {axis})});
  const Expr chosen(c, lower::squeeze(c, picked, {axis}));
  const Expr one = Expr(c, lower::like(c, chosen.result(), 1));
  const Expr zero = Expr(c, lower::like(c, chosen.result(), 0));
  Expr weight = one;
  if (c.has("weight")) {
    V* taken = lower::gather(c, c.tensor("weight"), classes.result(), 0);
    weight = Expr(c, taken);
  }
  const Expr weights = counts.where(weight, zero);
  // A sample that is ignored counts as 0 even where its likelihood is infinite.
  return {counts.where(-(chosen * weight), zero), weights};
}

Expr nll(LowerContext& c, const Expr& x, const Expr& target, Reduction how) {
  const size_t rank = x.sizes().size(), given = target.sizes().size();
  if (rank == 0 || given + 1 != rank) {
    c.refuse("the target does not have the dimensions of the input without the classes");
    return x;
  }
  const Likelihood all = likelihood(c, x, target);
  if (how == Reduction::mean) return all.losses.sum() / all.weights.sum();
  return reduced(all.losses, how);
}

V* nll_loss(LowerContext& c) {
  return nll(c, Expr::argument(c, "self"), Expr::argument(c, "target"), lower::reduction(c))
      .result();
}

// With the sum of the weights as a second result; PyTorch leaves it at 0 where it needs none.
V* nll_loss_forward(LowerContext& c) {
  const Expr x = Expr::argument(c, "self"), target = Expr::argument(c, "target");
  const Reduction how = lower::reduction(c);
  V* loss = nll(c, x, target, how).result();
  if (c.refused()) return nullptr;
  const bool unused = how == Reduction::none && x.sizes().size() > 1;
  V* total = unused ? lower::like(c, loss, 0) : likelihood(c, x, target).weights.sum().result();
  return c.give({loss, total});
}

// The target gives the probability of each class.
Expr of_probabilities(LowerContext& c, const Expr& log, Expr target, double smoothing,
                      Reduction how) {
  const int64_t axis = class_axis(log);
  V* classes = lower::count(c, log.result(), {axis}, log.dtype());
  if (smoothing > 0) target = target * (1 - smoothing) + smoothing / Expr(c, classes);
  Expr losses = log * target;
  if (c.has("weight")) losses = losses * class_weights(c, log);
  if (how == Reduction::none) return -losses.sum(axis);
  if (how == Reduction::sum) return -losses.sum();
  V* samples = lower::count(c, log.result(), lower::all_axes(log.sizes().size()), log.dtype());
  return -losses.sum() / (Expr(c, samples) / Expr(c, classes));
}

// A part of each class's probability is spread evenly.
Expr smoothed(LowerContext& c, const Expr& log, const Expr& target, double smoothing,
              Reduction how) {
  const int64_t axis = class_axis(log);
  const Expr classes(c, lower::count(c, log.result(), {axis}, log.dtype()));
  const Likelihood all = likelihood(c, log, target);
  Expr even = -(c.has("weight") ? log * class_weights(c, log) : log).sum(axis);
  even = even.call("masked_fill",
                   {equal(target, Expr(c, torch::Value(c.integer("ignore_index")))), 0});
  auto whole = [&](const Expr& losses) {
    if (how == Reduction::mean) return losses.sum() / all.weights.sum();
    return reduced(losses, how);
  };
  return whole(all.losses) * (1 - smoothing) + whole(even) * (smoothing / classes);
}

V* cross_entropy(LowerContext& c) {
  const Expr x = Expr::argument(c, "self"), target = Expr::argument(c, "target");
  const double smoothing = c.number("label_smoothing");
  const Reduction how = lower::reduction(c);
  if (x.sizes().empty()) return c.refuse("the input has no classes");
  if (smoothing < 0 || smoothing > 1)
    return c.refuse("label_smoothing is between 0 and 1 in cross_entropy");
  const Expr log = x.call("log_softmax", {static_cast<int>(class_axis(x))});
  if (x.sizes() == target.sizes()) {
    if (!is_floating(target.dtype()))
      return c.refuse("a target of the input's shape holds probabilities: floating point numbers");
    return of_probabilities(c, log, target, smoothing, how).result();
  }
  if (target.sizes().size() + 1 != x.sizes().size())
    return c.refuse("the target does not have the dimensions of the input without the classes");
  if (smoothing > 0) return smoothed(c, log, target, smoothing, how).result();
  return nll(c, log, target, how).result();
}

// torch.nn.functional.linear_cross_entropy with options: the same, part by part of the batch, which
// spares memory in training.
Expr of_linear(LowerContext& c, const Expr& reduction, const Expr& smoothing) {
  const Expr logits =
      Expr::argument(c, "input")
          .call("linear", {Expr::argument(c, "linear_weight"), Expr::argument(c, "linear_bias")});
  return logits.call("cross_entropy_loss",
                     {Expr::argument(c, "target"), Expr::argument(c, "weight"), reduction,
                      Expr::argument(c, "ignore_index"), smoothing});
}
V* linear_cross_entropy_chunked(LowerContext& c) {
  const std::string reduction = c.text("reduction");
  if (reduction != "mean" && reduction != "sum")
    return c.refuse("there are the reductions mean and sum");
  for (const char* gradient :
       {"compute_input_grad", "compute_linear_weight_grad", "compute_linear_bias_grad"}) {
    if (c.flag(gradient))
      return c.refuse("it computes gradients: the program was made for training",
                      "export it under torch.no_grad()");
  }
  V* loss =
      of_linear(c, reduction == "mean" ? 1 : 2, Expr::argument(c, "label_smoothing")).result();
  // Gradients that nobody asked for are empty tensors.
  V *matrix = lower::filled(c, {0, 0}, 0, loss->dtype()),
    *vector = lower::filled(c, {0}, 0, loss->dtype());
  return c.give({loss, matrix, matrix, vector});
}
V* linear_cross_entropy_chunked_no_reduction(LowerContext& c) {
  return of_linear(c, 0, 0.0).result();
}

}  // namespace cross_entropy_lowering

std::span<const torch::Lowering> cross_entropy_torch() {
  using namespace cross_entropy_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::cross_entropy_loss", cross_entropy},
      {"aten::nll_loss", nll_loss},
      {"aten::nll_loss2d", nll_loss},
      {"aten::nll_loss_nd", nll_loss},
      {"aten::nll_loss_forward", nll_loss_forward},
      {"aten::nll_loss2d_forward", nll_loss_forward},
      {"torch_nn::_linear_cross_entropy_batch_chunked", linear_cross_entropy_chunked},
      {"torch_nn::_linear_cross_entropy_batch_chunked_no_reduction",
       linear_cross_entropy_chunked_no_reduction},
  };
  return kAll;
}

}  // namespace tenon::ops
