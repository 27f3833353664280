"""Stands in for the package of that name: as much of it as the printed script calls."""

from pathlib import Path

import torch


class YOLO:
    def __init__(self, path):
        self.path = Path(path)
        self.model = torch.load(path, weights_only=False)["model"]

    def export(self, format):
        assert format == "torchscript"
        torch.jit.trace(self.model.eval(), torch.zeros(1, 2, 4, 5)).save(str(self.path.with_suffix(".torchscript")))
