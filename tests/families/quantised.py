"""torchvision's quantised models, calibrated on random images: nothing is downloaded, and every layer's scale fits it."""

from __future__ import annotations

import torch
import torchvision
from torch import nn
from torch.ao import quantization


def quantised(name: str, image: torch.Tensor, engine: str = "x86") -> nn.Module:
    """The model that `name` ("quantized_resnet18") builds, its layers computing with integers.

    Its weights are those that it starts training with, and its batch-norm statistics those of a few images: weights
    that are drawn harder magnify one value that is rounded the other way to the size of the whole result.
    """
    torch.backends.quantized.engine = engine
    torch.manual_seed(0)
    options: dict[str, object] = {"weights": None, "quantize": False}
    if name.endswith(("googlenet", "inception_v3")):
        options |= {"init_weights": False, "aux_logits": False}
    model = torchvision.models.get_model(name, **options)
    images = [torch.randn(4, *image.shape[1:]) for _ in range(5)]
    with torch.no_grad():
        model.train()
        for batch in images[:3]:
            model(batch)
        model.eval().fuse_model(is_qat=False)
        model.qconfig = quantization.get_default_qconfig(engine)
        quantization.prepare(model, inplace=True)
        for batch in images[3:]:
            model(batch)
    return quantization.convert(model, inplace=True)


def one_step(model: nn.Module, image: torch.Tensor, expected: torch.Tensor) -> float:
    """How far one input value that is rounded the other way moves the output, of the output's largest magnitude."""
    moved = 0.0
    for row in range(4):
        changed = image.clone()
        changed[0, 0, row * image.shape[2] // 4, image.shape[3] // 2] += model.quant.scale.item()
        with torch.no_grad():
            moved = max(moved, float((model(changed) - expected).abs().max()))
    return moved / float(expected.abs().max())
