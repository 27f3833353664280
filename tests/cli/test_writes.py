"""Writes to memory that has several names: each reaches all of them as in PyTorch, or is refused."""

from __future__ import annotations

import unittest
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fixtures import npz, scratch, scripted
from program import UNSUPPORTED, ProgramTest


class Program(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor):
        return self.function(x)


def traced(name: str, function) -> Path:
    path = scratch() / f"{name}.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Program(function), (torch.randn(4, 6),), check_trace=False).save(str(path))
    return path


def overlapping_windows(x):
    base = x.clone()
    base.unfold(1, 3, 1).mul_(2)
    return base


def expanded(x):
    base = x.clone()
    base[:1].expand(4, 6).fill_(1.0)
    return base


def overlapping_strides(x):
    base = x.clone()
    base.as_strided((4, 4), (2, 1)).add_(1)
    return base


def reshaped_sum(x):
    """The sum keeps the transposed strides, so that reshape() copies; only PyTorch knows."""
    base = x.t() + 1
    part = base.reshape(-1)
    part.add_(1)
    return base, part


class Renamed(nn.Module):
    """Whether y is x, and so whether x is written, the data decides."""

    def forward(self, x: torch.Tensor):
        base = x.clone()
        y = base
        if bool(x.sum() > 0):
            y = base * 2
        y.add_(1)
        return base, y


class RenamedUnread(nn.Module):
    """The same, and nobody looks at the other name."""

    def forward(self, x: torch.Tensor):
        y = x.clone()
        if bool(x.sum() > 0):
            y = y * 2
        y.add_(1)
        return y


class RenamedInLoop(nn.Module):
    """The first iteration writes to x, the later ones do not."""

    def forward(self, x: torch.Tensor):
        base = x.clone()
        y = base
        while bool(y.sum() > 10):
            y.sub_(1)
            y = y * 0.5
        return base, y


class CarriedUnread(nn.Module):
    def forward(self, x: torch.Tensor):
        y = x.clone()
        while bool(y.sum() > 10):
            y.sub_(1)
            y = y * 0.5
        return y


class Writes(ProgramTest):
    def refuse(self, model: Path, line: str, *mentions: str) -> None:
        said = self.assert_refused(UNSUPPORTED, "convert", model, "-o", scratch() / "refused.onnx", "--shapes", "x:4x6", mentions=mentions)
        self.assertIn("test_writes.py", said)
        self.assertIn(line, said)

    def follow(self, name: str, module: nn.Module) -> None:
        model, out = scripted(name, module), scratch() / f"{name}.npz"
        self.assert_done("convert", model, "-o", scratch() / f"{name}.onnx", "--shapes", "x:4x6")
        for sign in (1, -1):
            x = torch.randn((4, 6), generator=torch.Generator().manual_seed(4)).abs() * sign
            self.assert_done("run", scratch() / f"{name}.onnx", "--inputs", npz(f"{name}_in", x=x.numpy()), "-o", out)
            with np.load(out) as arrays:
                np.testing.assert_allclose(arrays[arrays.files[0]], module(x.clone()).numpy(), rtol=0, atol=1e-5)

    def test_places_that_are_written_twice(self) -> None:
        self.refuse(traced("windows", overlapping_windows), "overlapping_windows", "overlap", "clone()")
        self.refuse(traced("expanded", expanded), "expanded", "share one place", "clone()")
        self.refuse(traced("strides", overlapping_strides), "overlapping_strides", "share one place", "clone()")

    def test_copies_that_only_strides_tell(self) -> None:
        self.refuse(traced("reshaped", reshaped_sum), "", "cannot tell what this tensor holds", "x.clone()")

    def test_names_that_a_branch_decides(self) -> None:
        self.refuse(scripted("renamed", Renamed()), "", "cannot tell what this tensor holds", "branch")
        self.follow("renamed_unread", RenamedUnread().eval())

    def test_names_that_a_loop_decides(self) -> None:
        self.refuse(scripted("renamed_loop", RenamedInLoop()), "", "cannot tell what this tensor holds")
        self.follow("carried_unread", CarriedUnread().eval())


if __name__ == "__main__":
    unittest.main()
