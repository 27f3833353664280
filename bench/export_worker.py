#!/usr/bin/env python3
"""Times torch.onnx.export on torchvision models and prints seconds as JSON; bench/convert_time.py starts it.

    export_worker.py dynamo|torchscript MODEL...

The process is warm: a small model is exported first, so that imports and registries are not counted.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
import torchvision
from torch import nn

RUNS = 3


def export_seconds(model: nn.Module, example: torch.Tensor, dynamo: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        torch.onnx.export(model, (example,), Path(folder) / "model.onnx", dynamo=dynamo, verbose=False)
        return time.perf_counter() - start


def main() -> None:
    warnings.filterwarnings("ignore")
    dynamo = sys.argv[1] == "dynamo"
    export_seconds(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval(), torch.rand(1, 3, 8, 8), dynamo)
    seconds = {}
    for name in sys.argv[2:]:
        model = torchvision.models.get_model(name, weights=None).eval()
        seconds[name] = statistics.median(
            export_seconds(model, torch.rand(1, 3, 224, 224), dynamo) for _ in range(RUNS)
        )
    print(json.dumps(seconds), file=sys.stderr)


if __name__ == "__main__":
    main()
