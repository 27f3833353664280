"""Small model files, made once per run, that the command-line tests start from."""

from __future__ import annotations

import functools
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

_scratch = tempfile.TemporaryDirectory(prefix="tenon-cli-")


def scratch() -> Path:
    """A folder that lives as long as the test run."""
    return Path(_scratch.name)


class SmallNet(nn.Module):
    """Images (N, 3, 16, 16) to five scores."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.norm(self.conv(image))).mean(dim=(2, 3)))


def small_net() -> nn.Module:
    torch.manual_seed(0)
    return SmallNet().eval().requires_grad_(False)


def image(batch: int = 1) -> torch.Tensor:
    return torch.randn((batch, 3, 16, 16), generator=torch.Generator().manual_seed(1))


@functools.cache
def traced() -> Path:
    path = scratch() / "small_traced.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(small_net(), (image(),)).save(str(path))
    return path


@functools.cache
def exported() -> Path:
    path = scratch() / "small.pt2"
    torch.export.save(torch.export.export(small_net(), (image(),)), path)
    return path


@functools.cache
def onnx_file() -> Path:
    """The small network as PyTorch's own exporter for scripts writes it, so not by the program under test."""
    path = scratch() / "small.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(small_net(), (image(),), path, input_names=["image"], dynamo=False)
    return path


def scripted(name: str, module: nn.Module) -> Path:
    """Scripts any module to a file of that name."""
    path = scratch() / f"{name}.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(path))
    return path


def npz(name: str, **arrays: np.ndarray) -> Path:
    path = scratch() / f"{name}.npz"
    np.savez(path, **arrays)
    return path
