"""Writes one model as each kind of PyTorch model file, and proves that the file does what the model does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from outputs import flatten_outputs

Inputs = tuple[torch.Tensor, ...]

STATIC_KINDS = ("traced.pt", "scripted.pt", "exported.pt2")
DYNAMIC_KINDS = ("traced.pt", "scripted.pt", "exported_dynamic.pt2")
BATCH_RANGE = (1, 8)


def write_traced(model: nn.Module, inputs: Inputs, path: Path) -> list[str]:
    # strict=False lets dictionaries through as outputs.
    module = torch.jit.trace(model, inputs, strict=False)
    torch.jit.save(module, str(path))
    return _argument_names(module)


def write_scripted(model: nn.Module, inputs: Inputs, path: Path) -> list[str]:
    module = torch.jit.script(model)
    torch.jit.save(module, str(path))
    return _argument_names(module)


def write_exported(model: nn.Module, inputs: Inputs, path: Path) -> list[str]:
    program = torch.export.export(model, inputs)
    torch.export.save(program, path)
    return list(program.graph_signature.user_inputs)


def write_exported_dynamic(model: nn.Module, inputs: Inputs, path: Path) -> list[str]:
    """Exports from inputs of batch 2: torch.export takes an example size of 1 for a constant."""
    low, high = BATCH_RANGE
    batch = torch.export.Dim("batch", min=low, max=high)
    doubled = tuple(torch.cat([tensor, tensor]) for tensor in inputs)
    program = torch.export.export(model, doubled, dynamic_shapes=tuple({0: batch} for _ in inputs))
    torch.export.save(program, path)
    return list(program.graph_signature.user_inputs)


WRITERS: dict[str, Callable[[nn.Module, Inputs, Path], list[str]]] = {
    "traced.pt": write_traced,
    "scripted.pt": write_scripted,
    "exported.pt2": write_exported,
    "exported_dynamic.pt2": write_exported_dynamic,
}


def run_file(path: Path, inputs: Inputs) -> list[torch.Tensor]:
    """The file's outputs, as PyTorch computes them."""
    module = torch.export.load(path).module() if path.suffix == ".pt2" else torch.jit.load(str(path))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripted googlenet announces at each call that it returns a tuple
        return flatten_outputs(module(*inputs))


def _argument_names(module: torch.jit.ScriptModule) -> list[str]:
    return [argument.name for argument in module.forward.schema.arguments[1:]]
