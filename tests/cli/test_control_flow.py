"""Scripted programs whose path the data decides: ONNX Runtime and our engine must follow PyTorch on each path."""

from __future__ import annotations

import unittest

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from fixtures import npz, scratch, scripted
from program import ProgramTest


class Branching(nn.Module):
    """Appends to a list and writes through a view, differently in each branch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [x]
        y = x.clone()
        if bool(x.sum() > 0):
            parts.append(x * 2)
            y[0].mul_(3)
        else:
            parts.append(x - 1)
            y[:, 1].add_(5)
        return torch.cat(parts) + torch.cat([y, y])


class Halving(nn.Module):
    """Loops as often as the data asks for, carrying a count and a tensor."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        steps = 0
        while bool(x.abs().max() > 1.0):
            x = x / 2 + 0.01
            steps += 1
        return x, torch.full((1,), steps)


class ControlFlow(ProgramTest):
    def follow(self, name: str, module: nn.Module, examples: list[np.ndarray]) -> None:
        """Converts the scripted module once and compares both runtimes on every example."""
        model, onnx_file, out = scripted(name, module), scratch() / f"{name}.onnx", scratch() / f"{name}_out.npz"
        shape = "x".join(map(str, examples[0].shape))
        self.assert_done("convert", model, "-o", onnx_file, "--shapes", f"x:{shape}")
        onnx.checker.check_model(str(onnx_file), full_check=True)
        session = onnxruntime.InferenceSession(str(onnx_file), providers=["CPUExecutionProvider"])
        for index, example in enumerate(examples):
            results = module(torch.from_numpy(example))
            expected = [r.numpy() for r in (results if isinstance(results, tuple) else (results,))]
            self.assert_done("run", onnx_file, "--inputs", npz(f"{name}_{index}", x=example), "-o", out)
            with np.load(out) as arrays:
                engine = [arrays[key] for key in arrays.files]
            for runtime, outputs in (("onnxruntime", session.run(None, {"x": example})), ("engine", engine)):
                with self.subTest(runtime=runtime, example=index):
                    self.assertEqual(len(outputs), len(expected))
                    for got, want in zip(outputs, expected, strict=True):
                        self.assertEqual(got.dtype, want.dtype)
                        np.testing.assert_allclose(got, want, rtol=0, atol=1e-4 * np.abs(want).max())

    def test_branches_that_append_and_write_through_views(self) -> None:
        example = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
        self.follow("branching", Branching(), [example, -example])

    def test_loop_that_carries_a_count_and_a_tensor(self) -> None:
        example = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
        self.follow("halving", Halving(), [100 * example, 3 * example, 0.5 * example])


if __name__ == "__main__":
    unittest.main()
