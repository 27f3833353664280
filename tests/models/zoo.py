"""The model families that the suite converts, and how each is built so that it can tell right from wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torchvision.models as tv
from torch import nn

from images import random_images
from randomise import randomise

CALIBRATION_BATCH = 8


@dataclass(frozen=True)
class Family:
    """One row of the table: a torchvision model at one input size."""

    name: str
    builder: Callable[..., nn.Module]
    input_shape: tuple[int, ...]
    arguments: dict[str, Any] = field(default_factory=dict)


IMAGE = (1, 3, 224, 224)

FAMILIES: tuple[Family, ...] = (
    Family("resnet18", tv.resnet18, IMAGE),
    Family("resnet18_360x640", tv.resnet18, (1, 3, 360, 640)),
    Family("mobilenet_v2", tv.mobilenet_v2, IMAGE),
    Family("vit_b_16", tv.vit_b_16, IMAGE),
    Family("swin_t", tv.swin_t, IMAGE),
    Family("resnet50", tv.resnet50, IMAGE),
    Family("mobilenet_v3_large", tv.mobilenet_v3_large, IMAGE),
    Family("efficientnet_b0", tv.efficientnet_b0, IMAGE),
    Family("squeezenet1_1", tv.squeezenet1_1, IMAGE),
    Family("shufflenet_v2_x1_0", tv.shufflenet_v2_x1_0, IMAGE),
    Family("regnet_y_400mf", tv.regnet_y_400mf, IMAGE),
    Family("densenet121", tv.densenet121, IMAGE),
    # Auxiliary heads take part in training only; without them every layer reaches the output.
    Family("googlenet", tv.googlenet, IMAGE, {"aux_logits": False, "init_weights": False}),
    Family(
        "inception_v3",
        tv.inception_v3,
        (1, 3, 299, 299),
        {"aux_logits": False, "init_weights": False},
    ),
    Family("convnext_tiny", tv.convnext_tiny, IMAGE),
    Family("alexnet", tv.alexnet, IMAGE),
    Family("vgg11_bn", tv.vgg11_bn, IMAGE),
    Family(
        "fcn_resnet50",
        tv.segmentation.fcn_resnet50,
        (1, 3, 128, 128),
        {"weights_backbone": None, "aux_loss": True},
    ),
    Family(
        "deeplabv3_mobilenet_v3_large",
        tv.segmentation.deeplabv3_mobilenet_v3_large,
        (1, 3, 128, 128),
        {"weights_backbone": None},
    ),
    Family("r3d_18", tv.video.r3d_18, (1, 3, 8, 64, 64)),
)


def find(name: str) -> Family:
    """The family of that name; KeyError names what there is."""
    for family in FAMILIES:
        if family.name == name:
            return family
    raise KeyError(f"no model family {name!r}; there are {', '.join(f.name for f in FAMILIES)}")


def inputs_for(family: Family, batch: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Deterministic inputs of the family's shape, at the given batch size."""
    return (random_images((batch, *family.input_shape[1:]), seed),)


def build(family: Family) -> nn.Module:
    """The family's model in evaluation mode, re-randomised; the same weights on every call."""
    torch.manual_seed(0)
    model = family.builder(weights=None, **family.arguments).eval().requires_grad_(False)
    randomise(model, inputs_for(family, CALIBRATION_BATCH, seed=1), seed=2)
    return model
