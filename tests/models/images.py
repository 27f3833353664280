"""Random pictures that differ from one another the way photographs do."""

from __future__ import annotations

import torch
from torch.nn import functional


def random_images(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """Images (N, C, H, W) or clips (N, C, T, H, W): colour casts, smooth shapes and noise.

    White noise alone will not do: after global pooling all pictures of it look alike, and a network's
    output would hardly depend on its input.
    """
    generator = torch.Generator().manual_seed(seed)
    batch, channels, *extent = shape
    mode = "trilinear" if len(extent) == 3 else "bilinear"
    cast = torch.randn((batch, channels, *(1 for _ in extent)), generator=generator)
    picture = 0.4 * cast + 0.4 * torch.randn(shape, generator=generator)
    for cells in (3, 12):
        coarse = torch.randn((batch, channels, *(min(cells, size) for size in extent)), generator=generator)
        picture += 0.7 * functional.interpolate(coarse, size=extent, mode=mode, align_corners=False)
    return picture
