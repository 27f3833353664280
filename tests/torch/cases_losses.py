"""Loss functions: reductions, weights, and what they do with integers, broadcasting and ignored samples."""

import torch
import torch.nn.functional as F

from case import case, ints, pos, r, unit

f64 = torch.float64
REDUCTIONS = ("none", "mean", "sum")
x, y = r(4, 5), r(4, 5, seed=1)
p, t = torch.sigmoid(x), (y > 0).float()
signs = torch.where(r(4, seed=3) > 0, 1.0, -1.0)

for how in REDUCTIONS:
    case(f"mse_{how}", lambda x, y, h=how: F.mse_loss(x, y, reduction=h), x, y)
    case(f"l1_f64_{how}", lambda x, y, h=how: F.l1_loss(x, y, reduction=h), x.double(), y.double())
    case(f"smooth_l1_beta_{how}", lambda x, y, h=how: F.smooth_l1_loss(x, y, reduction=h, beta=0.3), x, y)
    case(f"huber_delta_{how}", lambda x, y, h=how: F.huber_loss(x, y, reduction=h, delta=0.3), x, y)
    case(f"bce_weight_{how}", lambda x, y, w, h=how: F.binary_cross_entropy(x, y, w, reduction=h), p, t, pos(5))
    case(f"bce_logits_{how}", lambda x, y, w, h=how: F.binary_cross_entropy_with_logits(x, y, reduction=h, pos_weight=w), x * 50, t, pos(5))
    case(f"kl_{how}", lambda x, y, h=how: F.kl_div(x, y, reduction=h), x, p)
    case(f"kl_log_{how}", lambda x, y, h=how: F.kl_div(x, y, reduction=h, log_target=True), x, y)
    case(f"soft_margin_{how}", lambda x, y, h=how: F.soft_margin_loss(x, y, reduction=h), x, torch.sign(y))
    case(f"hinge_{how}", lambda x, y, h=how: F.hinge_embedding_loss(x, y, margin=0.4, reduction=h), x, torch.sign(y))
    case(f"ranking_{how}", lambda a, b, s, h=how: F.margin_ranking_loss(a, b, s, 0.2, reduction=h), r(4), r(4, seed=1), signs)
    case(f"cosine_embedding_{how}", lambda a, b, s, h=how: F.cosine_embedding_loss(a, b, s, 0.1, reduction=h), x, y, signs)
    case(f"poisson_{how}", lambda x, y, h=how: F.poisson_nll_loss(x, y, log_input=False, full=True, reduction=h), pos(4, 5), pos(4, 5, seed=1) * 3)
    case(f"triplet_{how}", lambda a, b, c, h=how: F.triplet_margin_loss(a, b, c, 0.7, p=1, swap=True, reduction=h), x, y, r(4, 5, seed=2))
    case(f"multi_margin_{how}", lambda x, y, w, h=how: F.multi_margin_loss(x, y, 2, 0.5, w, reduction=h), x, ints(0, 5, 4), pos(5))
    case(f"multilabel_margin_{how}", lambda x, y, h=how: F.multilabel_margin_loss(x, y, reduction=h), x, torch.tensor([[1, 3, -1, 0, 2], [-1, 0, 1, 2, 3], [4, 0, 1, 2, 3], [2, -1, -1, 1, 0]]))

    labels = torch.tensor([2, -100, 0, 4])
    case(f"nll_{how}", lambda x, y, w, h=how: F.nll_loss(x, y, w, reduction=h), x, labels, pos(5))
    case(f"cross_entropy_{how}", lambda x, y, h=how: F.cross_entropy(x, y, reduction=h), x, labels)
    case(f"cross_entropy_smooth_{how}", lambda x, y, w, h=how: F.cross_entropy(x, y, w, reduction=h, label_smoothing=0.2), x, labels, pos(5))
    case(f"cross_entropy_images_{how}", lambda x, y, h=how: F.cross_entropy(x, y, ignore_index=1, reduction=h, label_smoothing=0.1), r(2, 3, 4, 5), ints(0, 3, 2, 4, 5))
    case(f"cross_entropy_probabilities_{how}", lambda x, y, w, h=how: F.cross_entropy(x, y, w, reduction=h, label_smoothing=0.3), x, torch.softmax(y, 1), pos(5))
    lengths = torch.tensor([6, 5, 6])
    for targets, name in ((ints(1, 4, 3, 4), "rows"), (ints(1, 4, 7), "line")):
        case(f"ctc_{name}_{how}", lambda x, t, h=how, n=lengths: F.ctc_loss(x.log_softmax(2), t, n, torch.tensor([2, 4, 1]), reduction=h, zero_infinity=True), r(6, 3, 4), targets, export=False)

case("smooth_l1_zero_beta", lambda x, y: F.smooth_l1_loss(x, y, beta=0.0), x, y)
case("l1_ints_sum", lambda x, y: F.l1_loss(x, y, reduction="sum"), ints(-5, 5, 3, 4), ints(-5, 5, 3, 4, seed=1))
case("bce_edges", lambda x, y: F.binary_cross_entropy(x, y, reduction="none"), torch.tensor([0.0, 0, 1, 1, 0.5]), torch.tensor([0.0, 1, 0, 1, 0.25]))
case("cross_entropy_single", lambda x, y: F.cross_entropy(x, y), r(5), torch.tensor(3))
case("cross_entropy_none_left", lambda x, y: F.cross_entropy(x, y), x, torch.full((4,), -100))
case("cross_entropy_f16", lambda x, y: F.cross_entropy(x, y), x.half(), ints(0, 5, 4))
case("nll_infinite_ignored", lambda x, y: F.nll_loss(x, y, ignore_index=1, reduction="none"), torch.tensor([[0.0, -float("inf")], [1.0, 2.0]]), torch.tensor([1, 0]))
case("multi_margin_single", lambda x, y: F.multi_margin_loss(x, y), r(5), torch.tensor(3))
case("multilabel_margin_single", lambda x, y: F.multilabel_margin_loss(x, y), r(4), torch.tensor([3, 0, -1, 1]))
case("cosine_embedding_single", lambda a, b, s: F.cosine_embedding_loss(a, b, s), r(5), r(5, seed=1), torch.tensor(-1.0))
case("ctc_single", lambda x, t: F.ctc_loss(x.log_softmax(1), t, (6,), (3,)), r(6, 4), ints(1, 4, 3), export=False)
case("ctc_impossible", lambda x, t: F.ctc_loss(x.log_softmax(2), t, (2,), (4,), reduction="none"), r(3, 1, 4), ints(1, 4, 1, 4), export=False)
case("linear_cross_entropy_plain", lambda x, w, y: F.linear_cross_entropy(x, w, y), x, r(7, 5), ints(0, 7, 4))
case("mse_broadcast_unit", lambda x, y: F.mse_loss(x, y.expand_as(x)), unit(3, 4), unit(1, 4, seed=1))
