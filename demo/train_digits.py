#!/usr/bin/env python3
"""Trains a small residual network on scikit-learn's handwritten digits and saves what the demo needs.

    train_digits.py [--out demo/data]

Writes digits_traced.pt, digits_scripted.pt and digits.pt2 (dynamic batch), the test images (digits_test.npz),
what they show (digits_labels.npz), and PyTorch's outputs on them (digits_expected.npz).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional

EPOCHS = 30
BATCH = 64
SEED = 0


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(x + self.bn2(self.conv2(y)))


class DigitNet(nn.Module):
    """Images (N, 1, 8, 8) with values 0 to 1, to ten class scores."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())
        self.block1 = ResidualBlock(channels)
        self.pool = nn.MaxPool2d(2)
        self.widen = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 1, bias=False), nn.BatchNorm2d(2 * channels), nn.ReLU()
        )
        self.block2 = ResidualBlock(2 * channels)
        self.head = nn.Linear(2 * channels, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.block1(self.stem(images))
        x = self.block2(self.widen(self.pool(x)))
        return self.head(x.mean(dim=(2, 3)))


def load_images() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training images, test images, training labels, test labels."""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    parts = train_test_split(images, digits.target, test_size=0.25, random_state=SEED, stratify=digits.target)
    train_images, test_images, train_labels, test_labels = map(torch.from_numpy, parts)
    return train_images, test_images, train_labels, test_labels


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps)
    model.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(images))
        for first in range(0, len(images) - BATCH + 1, BATCH):
            picked = order[first : first + BATCH]
            optimiser.zero_grad()
            functional.cross_entropy(model(images[picked]), labels[picked]).backward()
            optimiser.step()
            schedule.step()


def save(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, out: Path) -> float:
    """Writes every file; returns the accuracy on the test images."""
    model.eval().requires_grad_(False)
    scores = model(images)
    torch.jit.trace(model, (images[:1],)).save(str(out / "digits_traced.pt"))
    torch.jit.script(model).save(str(out / "digits_scripted.pt"))
    batch = torch.export.Dim("batch", min=1, max=1024)
    program = torch.export.export(model, (images,), dynamic_shapes=({0: batch},))
    # The archive would keep the example inputs; one pair of images is enough of them.
    program.example_inputs = ((images[:2],), {})
    torch.export.save(program, out / "digits.pt2")
    np.savez_compressed(out / "digits_test.npz", images=images.numpy())
    np.savez_compressed(out / "digits_labels.npz", labels=labels.numpy())
    np.savez_compressed(out / "digits_expected.npz", output_0=scores.numpy())
    return float((scores.argmax(1) == labels).float().mean())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data", help="folder to write into")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    train_images, test_images, train_labels, test_labels = load_images()
    model = DigitNet()
    train(model, train_images, train_labels)
    accuracy = save(model, test_images, test_labels, out)
    size = sum(path.stat().st_size for path in out.iterdir())
    print(f"accuracy on {len(test_images)} test images: {accuracy:.1%}; {size / 1e6:.2f} MB written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
