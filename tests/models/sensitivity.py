"""Whether a model can tell right from wrong: does its output react to each weight and to its input?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from outputs import flatten_outputs

TOLERANCE = 1e-4  # of an output's largest magnitude, as everywhere in the suite
REQUIRED = 10 * TOLERANCE


@dataclass(frozen=True)
class Sensitivity:
    """How far the outputs move, relative to their largest magnitude."""

    weakest_tensor: str  # of all weights and statistics, the one whose reversal moves the outputs least
    weakest: float
    to_input: float  # when the input is reversed
    rounding: float  # distance of the fp32 outputs from fp64's

    def problems(self) -> list[str]:
        """What keeps the model from being a fair judge; empty when it is one."""
        found = []
        if self.weakest < REQUIRED:
            found.append(f"reversing {self.weakest_tensor} moves the outputs by {self.weakest:.1e} only")
        if self.to_input < REQUIRED:
            found.append(f"reversing the input moves the outputs by {self.to_input:.1e} only")
        if self.rounding > TOLERANCE / 4:
            found.append(f"fp32 rounding alone moves the outputs by {self.rounding:.1e}")
        return found


def sensitivity(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Sensitivity:
    """Reverses each weight tensor in turn, then the input, and measures what that does to the outputs."""
    with torch.no_grad():
        reference = flatten_outputs(model(*inputs))
        moves = {name: _move_when_reversed(model, tensor, inputs, reference) for name, tensor in _weights(model)}
        reversed_inputs = tuple(tensor.flatten().flip(0).reshape(tensor.shape) for tensor in inputs)
        to_input = _distance(flatten_outputs(model(*reversed_inputs)), reference)
        rounding = _rounding(model, inputs, reference)
    weakest = min(moves, key=moves.__getitem__)
    return Sensitivity(weakest, moves[weakest], to_input, rounding)


def _weights(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters and batch-norm statistics; a reversed single number is no change, so those are left out."""
    for name, tensor in model.state_dict(keep_vars=True).items():
        if tensor.is_floating_point() and tensor.numel() > 1:
            yield name, tensor


def _move_when_reversed(
    model: nn.Module,
    tensor: torch.Tensor,
    inputs: tuple[torch.Tensor, ...],
    reference: list[torch.Tensor],
) -> float:
    original = tensor.clone()
    tensor.copy_(original.flatten().flip(0).reshape(original.shape))
    moved = _distance(flatten_outputs(model(*inputs)), reference)
    tensor.copy_(original)
    return moved


def _rounding(model: nn.Module, inputs: tuple[torch.Tensor, ...], reference: list[torch.Tensor]) -> float:
    # Weights pass from float to double and back unchanged.
    exact = flatten_outputs(model.double()(*(tensor.double() for tensor in inputs)))
    model.float()
    return _distance(exact, reference)


def _distance(outputs: list[torch.Tensor], reference: list[torch.Tensor]) -> float:
    """The largest relative move of any output."""
    return max(
        float((a.double() - b.double()).abs().max() / b.abs().max()) for a, b in zip(outputs, reference, strict=True)
    )
