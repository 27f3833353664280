"""Compares outputs with PyTorch's under the suite's one tolerance."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TOLERANCE = 1e-4  # of an output's largest magnitude


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """An npz's arrays, in their order."""
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def worst_error(outputs: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The largest difference relative to each expected output's largest magnitude.

    Raises ValueError where count, shape or type differ, a value is not finite, or it is out of tolerance.
    """
    if len(outputs) != len(expected):
        raise ValueError(f"{len(outputs)} outputs instead of {len(expected)}")
    worst = max(_error(index, *pair) for index, pair in enumerate(zip(outputs, expected, strict=True)))
    if worst > TOLERANCE:
        raise ValueError(f"off by {worst:.1e} of the largest magnitude; the limit is {TOLERANCE:.0e}")
    return worst


def _error(index: int, output: np.ndarray, expected: np.ndarray) -> float:
    if output.shape != expected.shape or output.dtype != expected.dtype:
        raise ValueError(
            f"output {index} is {output.dtype} {output.shape} instead of {expected.dtype} {expected.shape}"
        )
    if not np.isfinite(output).all():
        raise ValueError(f"output {index} holds values that are not finite")
    return float(np.abs(output - expected).max() / np.abs(expected).max())
