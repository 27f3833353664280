"""What a case is: a name, a function of tensors, and its example inputs."""

import torch

ALL = []


def case(name, function, *inputs, export=True, trace=True, script=False, step=0.0):
    """Adds a case. Inputs are tensors; what else the function needs, it holds itself.

    Where `step` is given, outputs are multiples of it that were rounded: one in a hundred elements, or one of fewer,
    may be one step off."""
    kinds = {"traced": trace, "exported": export, "scripted": script}
    ALL.append((name.replace(".", "_"), function, inputs, kinds, step))


def r(*shape, seed=0, dtype=torch.float32):
    """Normally distributed numbers, the same each time."""
    generator = torch.Generator().manual_seed(seed + sum((i + 1) * n for i, n in enumerate(shape)))
    return torch.randn(shape, generator=generator).to(dtype)


def pos(*shape, seed=0):
    """Numbers above zero."""
    return r(*shape, seed=seed).abs() + 0.1


def unit(*shape, seed=0):
    """Numbers between -1 and 1."""
    return torch.tanh(r(*shape, seed=seed)) * 0.99


def ints(low, high, *shape, seed=0, dtype=torch.int64):
    """Integers from low to high, high not included."""
    generator = torch.Generator().manual_seed(seed + sum((i + 1) * n for i, n in enumerate(shape)))
    return torch.randint(low, high, shape, generator=generator).to(dtype)


def bools(*shape, seed=0):
    return r(*shape, seed=seed) > 0
