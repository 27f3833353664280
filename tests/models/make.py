#!/usr/bin/env python3
"""Writes the suite's models as files: traced, scripted and exported, with inputs and PyTorch's outputs.

    make.py [--out build/models] [MODEL...]

Each model gets a folder:
    traced.pt scripted.pt exported.pt2 exported_dynamic.pt2
    inputs.npz expected.npz                  at the family's own shape
    inputs_dynamic.npz expected_dynamic.npz  at another batch size
    meta.json                                names, shapes, which files PyTorch could not make and why, sensitivity
A folder that was made by the same recipe is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import nn

import files
import zoo
from outputs import flatten_outputs
from sensitivity import TOLERANCE, sensitivity

DYNAMIC_BATCH = 3


def make(family: zoo.Family, folder: Path) -> dict[str, Any]:
    """Writes all of one model's files and returns what meta.json says; raises where the model is no fair judge."""
    model = zoo.build(family)
    inputs = zoo.inputs_for(family, family.input_shape[0], seed=7)
    more = zoo.inputs_for(family, DYNAMIC_BATCH, seed=8)
    verdict = sensitivity(model, inputs)
    if verdict.problems():
        raise RuntimeError(f"{family.name} cannot tell right from wrong: {'; '.join(verdict.problems())}")
    expected, expected_more = _reference(model, inputs), _reference(model, more)
    input_names, made = _write_kinds(model, inputs, folder)
    _write_npz(folder / "inputs.npz", input_names, inputs)
    _write_npz(folder / "inputs_dynamic.npz", input_names, more)
    output_names = [f"output_{index}" for index in range(len(expected))]
    _write_npz(folder / "expected.npz", output_names, expected)
    _write_npz(folder / "expected_dynamic.npz", output_names, expected_more)
    meta = {
        "model": family.name,
        "recipe": recipe(),
        "inputs": [_describe(name, tensor) for name, tensor in zip(input_names, inputs, strict=True)],
        "outputs": [_describe(name, tensor) for name, tensor in zip(output_names, expected, strict=True)],
        "shapes": _shapes_spec(input_names, inputs),
        "dynamic": _dynamic_spec(input_names, inputs),
        "files": made,
        "dynamic_files": _dynamic_verdicts(made, more, expected_more, folder),
        "sensitivity": asdict(verdict),
    }
    for kind in files.STATIC_KINDS:
        if made[kind] == "ok":
            _require_agreement(files.run_file(folder / kind, inputs), expected, f"{family.name}/{kind}")
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
    return meta


def recipe() -> str:
    """A digest of what decides the files' contents: these sources and PyTorch's version."""
    digest = hashlib.sha256(f"{torch.__version__} {torchvision.__version__}".encode())
    for source in ("zoo", "randomise", "images", "files", "make", "sensitivity", "outputs"):
        digest.update((Path(__file__).parent / f"{source}.py").read_bytes())
    return digest.hexdigest()[:16]


def is_current(folder: Path) -> bool:
    """Whether the folder was completed by this very recipe."""
    meta = folder / "meta.json"
    return meta.exists() and json.loads(meta.read_text())["recipe"] == recipe()


def _reference(model: nn.Module, inputs: files.Inputs) -> list[torch.Tensor]:
    with torch.no_grad():
        return flatten_outputs(model(*inputs))


def _write_kinds(model: nn.Module, inputs: files.Inputs, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Writes each kind of file; "ok" or PyTorch's own reason, by kind, and the inputs' names."""
    made: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for kind, write in files.WRITERS.items():
        try:
            names[kind] = write(model, inputs, folder / kind)
            made[kind] = "ok"
        except Exception as error:  # PyTorch refuses in many ways; the reason is recorded, not hidden
            made[kind] = f"{type(error).__name__}: {error}"[:2000]
            (folder / kind).unlink(missing_ok=True)
    if len({tuple(n) for n in names.values()}) != 1:
        raise RuntimeError(f"{folder.name}: the kinds of files name their inputs differently: {names}")
    return next(iter(names.values())), made


def _dynamic_verdicts(
    made: dict[str, str], inputs: files.Inputs, expected: list[torch.Tensor], folder: Path
) -> dict[str, str]:
    """Whether each file holds at another batch size when PyTorch itself runs it."""
    verdicts = {}
    for kind in files.DYNAMIC_KINDS:
        verdicts[kind] = made[kind]
        if made[kind] == "ok":
            try:
                _require_agreement(files.run_file(folder / kind, inputs), expected, kind)
            except RuntimeError as error:
                verdicts[kind] = f"not true at another batch size in PyTorch either: {error}"[:2000]
    return verdicts


def _require_agreement(outputs: list[torch.Tensor], expected: list[torch.Tensor], what: str) -> None:
    if len(outputs) != len(expected):
        raise RuntimeError(f"{what}: {len(outputs)} outputs, not {len(expected)}")
    for index, (got, want) in enumerate(zip(outputs, expected, strict=True)):
        error = float((got - want).abs().max() / want.abs().max()) if got.shape == want.shape else float("inf")
        if error > TOLERANCE / 4:
            raise RuntimeError(f"{what}: output_{index} is off by {error:.1e} of its largest magnitude")


def _describe(name: str, tensor: torch.Tensor) -> dict[str, Any]:
    return {"name": name, "dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}


def _shapes_spec(names: list[str], inputs: files.Inputs) -> str:
    return ",".join(f"{name}:{'x'.join(map(str, tensor.shape))}" for name, tensor in zip(names, inputs, strict=True))


def _dynamic_spec(names: list[str], inputs: files.Inputs) -> str:
    low, high = files.BATCH_RANGE
    sizes = [",".join(map(str, tensor.shape[1:])) for tensor in inputs]
    return ",".join(f"{name}[batch={low}..{high},{rest}]" for name, rest in zip(names, sizes, strict=True))


def _write_npz(path: Path, names: list[str], tensors: files.Inputs | list[torch.Tensor]) -> None:
    np.savez(path, **{name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/models"), help="folder to write into")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="all families when none is named")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    for family in [zoo.find(name) for name in arguments.models] or zoo.FAMILIES:
        folder = arguments.out / family.name
        if is_current(folder):
            print(f"{family.name}: up to date")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        meta = make(family, folder)
        refused = {k: r for k, r in {**meta["files"], **meta["dynamic_files"]}.items() if r != "ok"}
        print(f"{family.name}: {time.monotonic() - start:.0f} s", *(f"\n  {k}: {r}" for k, r in refused.items()))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
