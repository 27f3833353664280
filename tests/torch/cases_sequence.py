"""Recurrent layers and sampling."""

import torch
import torch.nn.functional as F
from torch import nn

from case import case, r

x = r(5, 2, 4)


class Recurrent(nn.Module):
    def __init__(self, kind, *args, **options):
        super().__init__()
        torch.manual_seed(0)
        self.inner = getattr(nn, kind)(4, 3, *args, **options).eval()

    def forward(self, *inputs):
        return self.inner(*inputs)


class WithState(Recurrent):
    def forward(self, x, h, c):
        return self.inner(x, (h, c))


for kind in ("LSTM", "GRU", "RNN"):
    case(f"{kind.lower()}", Recurrent(kind), x)
    case(f"{kind.lower()}_batch_first", Recurrent(kind, batch_first=True), r(2, 5, 4))
    case(f"{kind.lower()}_two_layers", Recurrent(kind, 2, bidirectional=True), x)
    case(f"{kind.lower()}_no_bias", Recurrent(kind, bias=False), x)
case("gru_state", Recurrent("GRU"), x, r(1, 2, 3))
case("rnn_relu", Recurrent("RNN", nonlinearity="relu", bidirectional=True), x)
case("lstm_state", WithState("LSTM", 2), x, r(2, 2, 3), r(2, 2, 3, seed=1))
case("lstm_cell", nn.LSTMCell(4, 3), r(2, 4))
case("gru_cell", nn.GRUCell(4, 3), r(2, 4))

image, grid = r(2, 3, 5, 6), r(2, 4, 7, 2)
for mode in ("bilinear", "nearest"):
    for padding in ("zeros", "border", "reflection"):
        for corners in (False, True):
            case(f"grid_sample_{mode}_{padding}_{corners}", lambda x, g, m=mode, p=padding, c=corners: F.grid_sample(x, g, m, p, c), image, grid)
case("grid_sample_bicubic", lambda x, g: F.grid_sample(x, g, "bicubic", align_corners=False), image, grid)
case("grid_sample_3d", lambda x, g: F.grid_sample(x, g, align_corners=True), r(1, 2, 3, 4, 5), r(1, 2, 2, 2, 3))
case("affine_grid", lambda t: F.affine_grid(t, (2, 3, 4, 5), align_corners=False), r(2, 2, 3))
case("affine_grid_corners", lambda t: F.affine_grid(t, (2, 3, 4, 5), align_corners=True), r(2, 2, 3))
