"""Modules whose trace keeps a number that Python computed from an input's size: what a trace does not show. Each case says
at which sizes it is traced and what two traces are to give, the module's results at a third size or a refusal."""
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Case:
    name: str
    module: nn.Module
    # Shapes of the input x at which the module is traced, and another at which the results are compared.
    traced: list
    tried: list
    dynamic: str
    # What all of the traces together give: "right", or a part of the refusal.
    together: str = "right"
    # What one trace alone gives: whether a constant is suspected, or the dimension is refused.
    alone: str = "suspected"


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(8, 8)


class Arange(Linear):
    def forward(self, x):
        return self.fc(x) + torch.arange(int(x.shape[1])).float()[None, :, None]


class ViewHeads(Linear):
    def forward(self, x):
        b, n = int(x.shape[0]), int(x.shape[1])
        return self.fc(x).view(b, n, 2, 4).permute(0, 2, 1, 3)


class FlattenTokens(Linear):
    def forward(self, x):
        n = int(x.shape[1])
        return self.fc(x).reshape(-1, n * 8)


class LastStep(Linear):
    def forward(self, x):
        return self.fc(x)[:, int(x.shape[1]) - 1]


class HalfOfSteps(Linear):
    def forward(self, x):
        return self.fc(x)[:, : int(x.shape[1]) // 2]


class UnrolledSteps(Linear):
    def forward(self, x):
        h = torch.zeros(x.shape[0], 8)
        for i in range(int(x.shape[1])):
            h = torch.tanh(self.fc(x[:, i]) + h)
        return h


class UnrolledBatch(Linear):
    def forward(self, x):
        return torch.stack([self.fc(x[i]).sum(0) for i in range(int(x.shape[0]))])


class BranchOnSize(Linear):
    def forward(self, x):
        if int(x.shape[1]) > 6:
            return self.fc(x) * 2
        return self.fc(x)


class CausalMask(Linear):
    def forward(self, x):
        n = int(x.shape[1])
        mask = torch.from_numpy(np.tril(np.ones((n, n), dtype=np.float32)))
        return mask @ self.fc(x)


class ScaleBySize(Linear):
    def forward(self, x):
        return self.fc(x) / math.sqrt(int(x.shape[1]))


class MeanByHand(Linear):
    def forward(self, x):
        return self.fc(x).sum(1) * (1.0 / int(x.shape[1]))


class PositionTable(Linear):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.randn(1, 64, 8))

    def forward(self, x):
        return self.fc(x) + self.table[:, : int(x.shape[1])]


class ExpandToken(Linear):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 8))

    def forward(self, x):
        return torch.cat([self.token.expand(int(x.shape[0]), -1, -1), self.fc(x)], 1)


class InitialState(Linear):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(8, 8, batch_first=True)

    def forward(self, x):
        return self.rnn(self.fc(x), torch.zeros(1, int(x.shape[0]), 8))[0]


class PatchGrid(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Conv2d(3, 8, 4, 4)

    def forward(self, x):
        y = self.embed(x)
        h, w = int(y.shape[2]), int(y.shape[3])
        tokens = y.flatten(2).transpose(1, 2)
        grid = torch.arange(h * w).float()[None, :, None]
        return (tokens + grid).transpose(1, 2).reshape(-1, 8, h, w)


class ResizeBack(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.down = nn.Conv2d(3, 4, 3, 2, 1)

    def forward(self, x):
        size = (int(x.shape[2]), int(x.shape[3]))
        return nn.functional.interpolate(self.down(x), size=size, mode="bilinear", align_corners=False)


class TwiceTheSize(nn.Module):
    def forward(self, x):
        size = (2 * int(x.shape[2]), 2 * int(x.shape[3]))
        return nn.functional.interpolate(x, size=size, mode="nearest")


class PadToMultiple(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Conv2d(3, 8, 4, 4)

    def forward(self, x):
        h, w = int(x.shape[2]), int(x.shape[3])
        return self.embed(nn.functional.pad(x, (0, -w % 4, 0, -h % 4)))


class CoordinateGrid(nn.Module):
    def forward(self, x):
        h, w = int(x.shape[2]), int(x.shape[3])
        ys, xs = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
        return torch.cat([x, xs.expand(int(x.shape[0]), 1, h, w), ys.expand(int(x.shape[0]), 1, h, w)], 1)


class Chunked(Linear):
    def forward(self, x):
        return torch.stack([part.sum(1) for part in self.fc(x).split(2, dim=1)], 1)


class SizesAsTensor(Linear):
    def forward(self, x):
        return self.fc(x) / torch.tensor([float(x.shape[1])] * 8)


class ProductOfSizes(Linear):
    def forward(self, x):
        return self.fc(x) * float(np.prod([int(s) for s in x.shape[:2]]))


class SquareOfSize(Linear):
    def forward(self, x):
        return self.fc(x) + torch.zeros(int(x.shape[1]) ** 2).sum() + float(int(x.shape[1]) ** 2)


class LogOfSize(Linear):
    def forward(self, x):
        return self.fc(x) * math.log(int(x.shape[1]))


class SinusoidTable(Linear):
    def forward(self, x):
        n = int(x.shape[1])
        table = np.sin(np.arange(n)[:, None] / 10000 ** (np.arange(8)[None] / 8)).astype(np.float32)
        return self.fc(x) + torch.from_numpy(table)


class RollHalf(Linear):
    def forward(self, x):
        return torch.roll(self.fc(x), int(x.shape[1]) - 2, 1)


class TopAll(Linear):
    def forward(self, x):
        return torch.topk(self.fc(x), int(x.shape[1]), dim=1)[0]


class AverageWindow(nn.Module):
    def forward(self, x):
        return nn.functional.avg_pool2d(x, (int(x.shape[2]), int(x.shape[3])))


class Line(Linear):
    def forward(self, x):
        return nn.functional.pad(self.fc(x), (0, 0, 0, 2 * int(x.shape[1]) + 3))


class Clean(nn.Module):
    """Everything follows the input's size: nothing to suspect."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3))

    def forward(self, x):
        y = self.net(x)
        return y.flatten(2).transpose(1, 2) / 8.0 + x.mean((2, 3)).sum(1)[:, None, None]


TOKENS = dict(tried=[3, 7, 8], dynamic="x[batch=1..16,n=1..32,8]")
TWO = dict(traced=[[2, 6, 8], [4, 9, 8]], **TOKENS)
IMAGE = dict(tried=[3, 3, 28, 40], dynamic="x[batch=1..16,3,h=8..64,w=8..64]")
IMAGES = dict(traced=[[2, 3, 24, 32], [5, 3, 32, 48]], **IMAGE)

UNROLLED = "the traces differ in more than constants"
UNCLEAR = "in a way that they do not tell"
CASES = [
    Case("arange", Arange(), alone="refused", **TWO),
    Case("view_heads", ViewHeads(), alone="refused", **TWO),
    Case("flatten_tokens", FlattenTokens(), alone="unproven", **TWO),
    Case("last_step", LastStep(), **TWO),
    Case("half_of_steps", HalfOfSteps(), **TWO),
    Case("unrolled_steps", UnrolledSteps(), together=UNROLLED, **TWO),
    Case("unrolled_batch", UnrolledBatch(), together=UNROLLED, **TWO),
    Case("branch_on_size", BranchOnSize(), together=UNROLLED, alone="unproven", **TWO),
    Case("causal_mask", CausalMask(), alone="refused", **TWO),
    Case("scale_by_size", ScaleBySize(), **TWO),
    Case("mean_by_hand", MeanByHand(), **TWO),
    Case("position_table", PositionTable(), alone="refused", **TWO),
    Case("expand_token", ExpandToken(), alone="refused", **TWO),
    Case("initial_state", InitialState(), **TWO),
    Case("patch_grid", PatchGrid(), **IMAGES),
    Case("resize_back", ResizeBack(), **IMAGES),
    Case("twice_the_size", TwiceTheSize(), **IMAGES),
    Case("pad_to_multiple", PadToMultiple(), traced=[[2, 3, 24, 30], [5, 3, 33, 48]], together=UNCLEAR, **IMAGE),
    Case("pad_to_multiple_thrice", PadToMultiple(), traced=[[2, 3, 24, 30], [5, 3, 33, 48], [3, 3, 25, 27]],
         **IMAGE),
    Case("coordinate_grid", CoordinateGrid(), alone="refused", **IMAGES),
    Case("chunked", Chunked(), together=UNROLLED, alone="refused", **TWO),
    Case("sizes_as_tensor", SizesAsTensor(), **TWO),
    Case("product_of_sizes", ProductOfSizes(), **TWO),
    Case("square_of_size", SquareOfSize(), **TWO),
    Case("log_of_size", LogOfSize(), **TWO),
    Case("sinusoid_table", SinusoidTable(), together=UNCLEAR, alone="refused", **TWO),
    Case("roll_by_size", RollHalf(), alone="unproven", **TWO),
    Case("topk_of_size", TopAll(), **TWO),
    Case("average_window", AverageWindow(), **IMAGES),
    Case("line_twice", Line(), together=UNCLEAR, alone="unproven", **TWO),
    Case("line", Line(), traced=[[2, 6, 8], [4, 9, 8], [3, 11, 8]], alone="unproven", **TOKENS),
    Case("sizes_that_change_alike", PositionTable(), traced=[[2, 4, 8], [3, 6, 8]], together="right", alone="refused",
         **TOKENS),
    Case("two_sizes_of_one_kind", SquareOfSize(), traced=[[6, 6, 8], [9, 9, 8]], together=UNCLEAR, **TOKENS),
    Case("clean", Clean(), alone="unproven", **IMAGES),
]
