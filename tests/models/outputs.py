"""PyTorch's nested outputs as the flat list that model files of every kind agree on."""

from __future__ import annotations

from typing import Any

import torch


def flatten_outputs(outputs: Any) -> list[torch.Tensor]:
    """Tensors in the order of the program's outputs; None, as scripted models may return, is dropped."""
    if outputs is None:
        return []
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    parts = outputs.values() if isinstance(outputs, dict) else outputs
    return [tensor for part in parts for tensor in flatten_outputs(part)]
