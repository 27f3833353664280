#include "ops/ctc_loss/ctc_loss.h"

#include <limits>

#include "ops/common/lower_loss.h"

namespace tenon::ops {
namespace ctc_loss_lowering {

using lower::Expr;
using lower::Reduction;
using lower::V;
using torch::LowerContext;

// A list of ints or a tensor of them.
V* lengths(LowerContext& c, std::string_view name) {
  if (!c.value(name).is<torch::TensorRef>()) return c.b.shape(c.ints(name));
  V* given = c.b.cast(c.tensor(name), DType::i64);
  return lower::rank(c, given) == 0 ? lower::unsqueeze(c, given, {0}) : given;
}

V* ctc_loss_forward(LowerContext& c) {
  return c.give(c.b.emit_n(CTCLoss{.blank = c.constant("blank")},
                           {c.tensor("log_probs"), c.tensor("targets"), lengths(c, "input_lengths"),
                            lengths(c, "target_lengths")},
                           2));
}

V* ctc_loss(LowerContext& c) {
  V *log_probs = c.tensor("log_probs"), *targets = c.tensor("targets");
  const bool single = lower::rank(c, log_probs) == 2;
  if (single) log_probs = lower::unsqueeze(c, log_probs, {1});
  V* target_lengths = lengths(c, "target_lengths");
  Expr losses(c, c.b.emit(CTCLoss{.blank = c.constant("blank")},
                          {log_probs, targets, lengths(c, "input_lengths"), target_lengths}));
  // A target that does not fit its input cannot be: its loss is infinite.
  if (c.flag("zero_infinity"))
    losses = equal(losses, std::numeric_limits<double>::infinity()).where(0, losses);
  const Reduction how = lower::reduction(c);
  if (how == Reduction::mean)
    return (losses / Expr(c, target_lengths).call("clamp_min", {1})).mean().result();
  if (how == Reduction::none && single) return lower::squeeze(c, losses.result(), {0});
  return reduced(losses, how).result();
}

}  // namespace ctc_loss_lowering

std::span<const torch::Lowering> ctc_loss_torch() {
  using namespace ctc_loss_lowering;
  static constexpr torch::Lowering kAll[] = {
      {"aten::ctc_loss.IntList", ctc_loss},
      {"aten::ctc_loss.Tensor", ctc_loss},
      {"aten::_ctc_loss", ctc_loss_forward},
      {"aten::_ctc_loss.Tensor", ctc_loss_forward},
  };
  return kAll;
}

}  // namespace tenon::ops
