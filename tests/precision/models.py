"""The models of the precision suite: of each how to build it, inputs, and which operators stay in fp32."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import List

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from randomise import randomise


@dataclass
class Model:
    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Tensor, ...]]
    kept: set[str] = field(default_factory=set)  # operators that stay in fp32
    kept_f16: set[str] = field(default_factory=set)  # those that do in fp16 alone
    may: set[str] = field(default_factory=set)  # what is around them, or stays at old opsets
    clamped: bool = False  # whether constants are clamped in fp16
    script: bool = False
    drawn: bool = True  # weights are those of randomise
    reference: bool = False  # onnx's reference evaluator runs it in bf16, too
    runtime: bool = True  # whether ONNX Runtime has its operators in fp16


class Encoder(nn.Module):
    """A transformer encoder whose padding is masked."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 8)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        return self.head(self.encoder(x, src_key_padding_mask=padding))


class Causal(nn.Module):
    """Attention as language models spell it: the lowest float where a token must not look."""

    def __init__(self, tokens: int = 50, width: int = 32, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.embed = nn.Embedding(tokens, width)
        self.places = nn.Embedding(16, width)
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, tokens, bias=False)
        self.register_buffer("mask", torch.tril(torch.ones(16, 16)).bool())

    def forward(self, ids: Tensor) -> Tensor:
        batch, length = ids.shape
        x = self.embed(ids) + self.places(torch.arange(length))
        q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in self.project(self.norm(x)).chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        scores = torch.where(self.mask[:length, :length], scores, torch.finfo(torch.float32).min)
        x = x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, -1))
        return self.head(x)


class Added(nn.Module):
    """A mask of integers that is scaled to the lowest float and added."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(16, 16)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        bias = (1.0 - mask[:, None, :].float()) * torch.finfo(torch.float32).min
        q = self.project(x)
        return (q @ x.transpose(1, 2) / 4 + bias).softmax(-1) @ x


class Rotary(nn.Module):
    """Rotary positions at places beyond what f16 counts to."""

    def __init__(self):
        super().__init__()
        self.register_buffer("frequencies", 10000.0 ** (-torch.arange(0, 16, 2) / 16))
        self.project = nn.Linear(16, 16)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        angles = places[..., None].float() * self.frequencies
        angles = torch.cat([angles, angles], -1)
        q = self.project(x)
        half = torch.cat([-q[..., 8:], q[..., :8]], -1)
        return q * angles.cos() + half * angles.sin()


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.Module]):
        super().__init__()
        self.layer = kind(12, 16, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x)[0])


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.down2 = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.out = nn.Conv2d(16, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        up = self.up(F.max_pool2d(b, 2))
        up = F.interpolate(up, size=(a.shape[2], a.shape[3]), mode="bilinear", align_corners=False)
        return F.interpolate(self.out(torch.cat([a, up], 1)), scale_factor=2.0, mode="nearest")


class Steps(nn.Module):
    """A loop whose count the data decides, with a state and a weight from around it."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(8, 8)

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        h = torch.zeros_like(x)
        for _ in range(int(n)):
            h = torch.tanh(self.cell(h) + x)
        return h


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        if bool(x.sum() > 0):
            z = torch.relu(y) * 2.0
        else:
            z = self.b(y) - x
        return z + y


class Listed(nn.Module):
    """A list that grows in a loop of unknown length, which is a sequence."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(8, 8)

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        rows: List[Tensor] = []
        h = x
        for _ in range(int(n)):
            h = torch.tanh(self.cell(h))
            rows.append(h)
        return torch.cat(rows, 0)


class Norms(nn.Module):
    def __init__(self, norm: nn.Module):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = norm
        self.second = nn.Conv2d(8, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(F.silu(self.norm(self.first(x))))


class Bags(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(30, 8, mode="mean")
        self.embed = nn.Embedding(30, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.bag(ids) + self.embed(ids).amax(1))


class Unit(nn.Module):
    """Rows of length one, by a division that a tiny number keeps from being one by zero."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = F.normalize(x, dim=-1, eps=1e-12)
        variance = x.var(-1, keepdim=True, unbiased=False)
        return self.head(y) + (x - x.mean(-1, keepdim=True)) / torch.sqrt(variance + 1e-12)


class Sampled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor, grid: Tensor) -> Tensor:
        return F.grid_sample(self.conv(x), grid * 0.9, align_corners=False)


class Chosen(nn.Module):
    """The best places of a score, as detectors pick them; scores are far apart in any type."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Linear(8, 8)

    def forward(self, x: Tensor, scores: Tensor) -> Tensor:
        best = (scores * 2).topk(3, dim=1).indices
        return self.conv(x.gather(1, best[..., None].expand(-1, -1, 8)))


class Doubles(nn.Module):
    """What the program computes in f64 stays there."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((x.double().cumsum(-1) / 3).float())


class Rois(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor, boxes: Tensor) -> Tensor:
        return torchvision.ops.roi_align(self.conv(x), [boxes * 8 + 1], 4, sampling_ratio=2)


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(32, 96)
        self.norm = nn.RMSNorm(32)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (t.unflatten(-1, (4, 8)).transpose(1, 2) for t in self.project(self.norm(x)).chunk(3, -1))
        return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


def image(size: int = 64, batch: int = 1) -> Callable[[], tuple[Tensor, ...]]:
    return lambda: (torch.randn(batch, 3, size, size),)


def rows(*shape: int) -> Callable[[], tuple[Tensor, ...]]:
    return lambda: (torch.randn(*shape),)


def far_apart() -> Tensor:
    """Scores that are no nearer to each other than a twelfth of the largest."""
    return torch.stack([torch.randperm(12) / 12 for _ in range(2)])


def boxes() -> Tensor:
    corners = torch.rand(3, 2)
    return torch.cat([corners, corners + 1 + torch.rand(3, 2)], 1)


zoo = torchvision.models
# ONNX has no sequences of bf16.
SEQUENCES = {"ConcatFromSequence", "SequenceConstruct", "SequenceEmpty", "SequenceInsert"}
MODELS = (
    Model("resnet18", zoo.resnet18, image()),
    Model("mobilenet_v3_small", zoo.mobilenet_v3_small, image(96)),
    Model("efficientnet_b0", zoo.efficientnet_b0, image(96)),
    Model(
        "swin",
        lambda: zoo.SwinTransformer([4, 4], 32, [2, 2], [2, 4], [4, 4], stochastic_depth_prob=0.0, num_classes=10),
        image(),
    ),
    Model("vit", lambda: zoo.VisionTransformer(32, 8, 2, 4, 64, 128, num_classes=10), image(32)),
    Model("densenet", lambda: zoo.DenseNet(8, (2, 2), 16, num_classes=10), image()),
    Model("encoder", Encoder, lambda: (torch.randn(2, 6, 32), torch.arange(6).expand(2, 6) >= torch.tensor([[4], [6]]))),
    Model("causal", Causal, lambda: (torch.randint(0, 50, (2, 10)),), clamped=True, drawn=False, reference=True),
    Model(
        "added_mask",
        Added,
        lambda: (torch.randn(2, 6, 16), (torch.arange(6).expand(2, 6) < torch.tensor([[4], [6]])).long()),
        clamped=True,
        reference=True,
    ),
    Model(
        "rotary",
        Rotary,
        lambda: (torch.randn(2, 6, 16), torch.randint(3000, 30000, (2, 6))),
        kept={"Cos", "Sin", "Mul"},
        may={"Concat", "Unsqueeze"},
        reference=True,
    ),
    Model("lstm", lambda: Recurrent(nn.LSTM), rows(2, 7, 12), drawn=False),
    Model("gru", lambda: Recurrent(nn.GRU), rows(2, 7, 12), drawn=False),
    Model("unet", UNet, image(32)),
    Model("loop", Steps, lambda: (torch.randn(2, 8), torch.tensor(5)), script=True, drawn=False),
    Model("branches", Branches, lambda: (torch.randn(2, 8),), script=True, drawn=False),
    Model("sequence", Listed, lambda: (torch.randn(2, 8), torch.tensor(3)), may=SEQUENCES, script=True, drawn=False),
    Model("group_norm", lambda: Norms(nn.GroupNorm(2, 8)), image(16)),
    Model("instance_norm", lambda: Norms(nn.InstanceNorm2d(8, affine=True)), image(16)),
    Model("bags", Bags, lambda: (torch.randint(0, 30, (3, 5)),), drawn=False, reference=True, runtime=False),
    Model("unit", Unit, rows(3, 8), kept_f16={"Sqrt", "Div"}, may={"Add", "Max", "Clip", "Expand"}, reference=True),
    Model(
        "sampled", Sampled, lambda: (torch.randn(1, 3, 16, 16), torch.rand(1, 5, 7, 2) * 2 - 1), kept={"GridSample", "Mul"}
    ),
    Model("chosen", Chosen, lambda: (torch.randn(2, 12, 8), far_apart()), may={"TopK"}),
    Model("doubles", Doubles, rows(3, 8)),
    Model("rois", Rois, lambda: (torch.randn(1, 3, 24, 24), boxes()), kept={"RoiAlign", "Mul", "Add"}, may={"Concat", "Slice", "Squeeze"}),
    Model("attention", Attends, rows(2, 6, 32), drawn=False),
)


def make(model: Model) -> tuple[nn.Module, list[tuple[Tensor, ...]]]:
    """The module, and two sets of inputs; the same each time."""
    torch.manual_seed(sum(map(ord, model.name)))
    module = model.build().eval()
    samples = model.inputs()
    if model.drawn:
        # The statistics of a single image would magnify its roundings: those of eight are a model's.
        many = tuple(torch.cat([t, *(torch.randn_like(t) for _ in range(7))]) for t in samples) if len(samples) == 1 else samples
        randomise(module, many, 0)
    return module, [samples, model.inputs()]
