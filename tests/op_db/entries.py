"""PyTorch's operator database as cases: which entries count, and their samples.

An entry counts for a dtype when it is dense, initialises its results, and runs on the CPU. What is left out, and why, is
published with the results. A sample that is random in eager mode is held against its distribution: many draws of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any
from unittest.mock import patch

import torch
from torch.testing import _utils as seeded
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

warnings.filterwarnings("ignore")

FIRST, LARGEST_OF = 2, 20  # the samples taken: the first ones, and the largest of this many
# Seeds that must not matter; a few booleans are often the same by chance, and more of them where numbers are drawn.
SEEDS, SEEDS_WHERE_DRAWN = range(2, 12), range(2, 202)
MOST_DRAWS, LEAST_DRAWS = 4000, 500  # of a random sample
DRAWN_ELEMENTS = 4_000_000  # of all draws together, where the most would be more


class LeftOut(Exception):
    """Why an entry does not count."""


@dataclass
class Sample:
    """A call: a module that makes it, and the tensors that the module takes."""

    module: torch.nn.Module
    inputs: tuple[torch.Tensor, ...]
    outputs: list[torch.Tensor]
    random: bool = False

    def draws(self) -> list[torch.Tensor]:
        """Each output many times, along a new first axis."""
        largest = max((output.numel() for output in self.outputs), default=1)
        count = min(MOST_DRAWS, max(LEAST_DRAWS, DRAWN_ELEMENTS // max(largest, 1)))
        drawn = [_run(self.module, self.inputs, seed) for seed in range(count)]
        return [torch.stack(ones) for ones in zip(*drawn, strict=True)]

    def wide(self) -> list[torch.Tensor]:
        """What the call gives where the inputs are of 32 bits, in the outputs' types; empty where it is not made so."""
        inputs = tuple(t.float() if t.dtype in (torch.float16, torch.bfloat16) else t for t in self.inputs)
        try:
            results = _call(self.module, inputs)
        except Exception:  # noqa: BLE001  an operator that wants all its arguments, held ones too, in one type
            return []
        return [result.to(output.dtype) for result, output in zip(results, self.outputs, strict=True)]


class Call(torch.nn.Module):
    """Calls an operator on tensors that are the module's inputs and on values that it holds itself."""

    def __init__(self, function: Any, leaves: list[Any], spec: Any) -> None:
        super().__init__()
        self.function = function
        self.held = [None if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        self.places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
        self.spec = spec

    def forward(self, *tensors: torch.Tensor) -> Any:
        leaves = list(self.held)
        for place, tensor in zip(self.places, tensors, strict=True):
            leaves[place] = tensor
        args, kwargs = pytree.tree_unflatten(leaves, self.spec)
        results = pytree.tree_leaves(self.function(*args, **kwargs))
        results = [r for r in results if r is not None]
        return results[0] if len(results) == 1 else tuple(results)


def name_of(entry: Any) -> str:
    """The entry's name as file names and tables give it: linalg.norm, norm@fro."""
    return entry.name + (f"@{entry.variant_test_name}" if entry.variant_test_name else "")


def entries(dtype: torch.dtype) -> list[Any]:
    """The database's entries that take this dtype on the CPU."""
    return [entry for entry in op_db if dtype in entry.supported_dtypes("cpu")]


def _clean(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided:
            raise LeftOut("it takes or gives sparse tensors")
        return value.detach().clone(memory_format=torch.contiguous_format)
    return value


def _call(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    # Some entries fix the seed themselves, and put back what was there.
    seeds = patch.object(torch, "manual_seed", lambda _: None), patch.object(seeded, "freeze_rng_state", nullcontext)
    with torch.no_grad(), seeds[0], seeds[1]:
        results = pytree.tree_leaves(module(*[t.clone() for t in inputs]))
    for result in results:
        if isinstance(result, torch.Tensor) and result.layout != torch.strided:
            raise LeftOut("it takes or gives sparse tensors")
    return [r if isinstance(r, torch.Tensor) else torch.tensor(r) for r in results if r is not None]


def _run(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], seed: int) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return _call(module, inputs)


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.is_floating_point() or one.is_complex():
        return torch.allclose(one, other, equal_nan=True)
    return torch.equal(one, other)


def _same(ones: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return all(a.shape == b.shape and _close(a, b) for a, b in zip(ones, others, strict=True))


# Which of several equal elements these place first, or name, PyTorch leaves open: where their dimension stands among the
# arguments after the tensor.
TIES = {"argsort": 0, "sort": 0, "mode": 0, "topk": 1, "kthvalue": 1}


def _has_ties(entry: Any, chosen: Any) -> bool:
    tensor = chosen.input
    stable = chosen.kwargs.get("stable", False)
    return entry.name in TIES and not stable and tensor.unique().numel() < tensor.numel()


def _by_value(entry: Any, chosen: Any) -> Any:
    """The operator with the elements that its indices name in the indices' place."""
    place = TIES[entry.name]
    dim = chosen.kwargs.get("dim", chosen.args[place] if len(chosen.args) > place else -1)

    def call(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> list[torch.Tensor]:
        results = pytree.tree_leaves(entry.op(tensor, *args, **kwargs))
        indices = results[-1]
        short = indices.dim() < tensor.dim()
        named = tensor.gather(dim, indices.unsqueeze(dim) if short else indices)
        return [*results[:-1], named.squeeze(dim) if short else named]

    return call


def _size(sample: Any) -> int:
    leaves = pytree.tree_leaves((sample.input, sample.args, sample.kwargs))
    return sum(leaf.numel() for leaf in leaves if isinstance(leaf, torch.Tensor))


def _chosen(entry: Any, dtype: torch.dtype) -> list[Any]:
    torch.manual_seed(0)
    first = list(islice(entry.sample_inputs("cpu", dtype, requires_grad=False), LARGEST_OF))
    chosen = first[:FIRST]
    rest = first[FIRST:]
    if rest:
        largest = max(rest, key=_size)
        if _size(largest) > max(_size(one) for one in chosen):
            chosen.append(largest)
    return chosen


def samples(entry: Any, dtype: torch.dtype) -> Iterator[Sample]:
    """The samples of an entry. Raises LeftOut where the entry does not count."""
    if entry.name.startswith(("empty", "new_empty", "resize_", "resize_as_")):
        raise LeftOut("its results are not initialised")
    found = False
    for chosen in _chosen(entry, dtype):
        leaves, spec = pytree.tree_flatten(((chosen.input, *chosen.args), chosen.kwargs))
        if any(isinstance(leaf, torch.Generator) for leaf in leaves):
            continue
        leaves = [_clean(leaf) for leaf in leaves]
        # What a decomposition leaves open (signs of singular vectors) its entry says how to make definite.
        function = entry.op
        if entry.name.startswith(("linalg.", "svd", "pca_lowrank", "svd_lowrank", "geqrf", "qr", "ormqr")):
            definite = chosen.output_process_fn_grad
            function = lambda *a, _f=entry.op, _d=definite, **k: _d(_f(*a, **k))  # noqa: E731
        elif _has_ties(entry, chosen):
            function = _by_value(entry, chosen)
        module = Call(function, leaves, spec).eval()
        inputs = tuple(leaf for leaf in leaves if isinstance(leaf, torch.Tensor))
        outputs = _run(module, inputs, 1)
        draws = not torch.equal(torch.get_rng_state(), torch.Generator().manual_seed(1).get_state())
        again = [_run(module, inputs, seed) for seed in (SEEDS_WHERE_DRAWN if draws else SEEDS)]
        found = True
        yield Sample(module, inputs, outputs, random=not all(_same(outputs, other) for other in again))
    if not found:
        raise LeftOut("it has no sample for the CPU")
