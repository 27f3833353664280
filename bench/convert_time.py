#!/usr/bin/env python3
"""Time of `tenon convert` beside torch.onnx.export, the new exporter and the old one, and its peak memory.

    convert_time.py [--models build/models] [--tenon build/release/tenon]

torch.onnx.export runs in a warm process and its median of three counts; `tenon convert` is a new process each time
and its median of five counts. The traced files come from tests/models/make.py. Exit status 1 where a goal is
missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# This process must stay small (no torch, no numpy): a child's peak memory begins with what its parent held.

ROOT = Path(__file__).resolve().parents[1]
WORKER = Path(__file__).with_name("export_worker.py")
MODELS = ("resnet50", "vit_b_16")
SPEED_GOALS = {"dynamo": 30.0, "torchscript": 8.0}
RUNS = 5


def convert(program: str, model: Path, onnx_file: Path) -> tuple[float, float]:
    """Seconds and peak resident megabytes of one conversion."""
    start = time.perf_counter()
    process = subprocess.Popen([program, "convert", "-q", model, "-o", onnx_file])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"tenon convert {model} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e6


def export_seconds(exporter: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, WORKER, exporter, *MODELS], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"torch.onnx.export ({exporter}) failed:\n{done.stderr}")
    return json.loads(done.stderr.splitlines()[-1])  # stdout has the exporter's own messages


def judge(model: str, traced: Path, program: str, exports: dict[str, dict[str, float]]) -> bool:
    """Prints one model's figures beside their goals; whether it meets them."""
    runs = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:  # as the exporters write: no file is replaced
            runs.append(convert(program, traced, Path(folder) / "model.onnx"))
    seconds, peak = statistics.median(s for s, _ in runs), max(mb for _, mb in runs)
    limit = 1.3 * traced.stat().st_size / 1e6 + 100
    met = peak < limit
    print(f"\n{model}: tenon convert {seconds * 1e3:.0f} ms")
    print(f"  peak memory {peak:.0f} MB, goal under {limit:.0f} MB: {'met' if met else 'MISSED'}")
    for exporter, goal in SPEED_GOALS.items():
        export = exports[exporter][model]
        times = export / seconds
        met = met and times >= goal
        verdict = "met" if times >= goal else "MISSED"
        print(f"  torch.onnx.export, {exporter}: {export:.2f} s, {times:.0f} times as long, goal {goal:g}: {verdict}")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT / "build/models", help="folder of the model files")
    parser.add_argument("--tenon", default=str(ROOT / "build/release/tenon"), help="the program")
    arguments = parser.parse_args()
    exports = {exporter: export_seconds(exporter) for exporter in SPEED_GOALS}
    met = [judge(model, arguments.models / model / "traced.pt", arguments.tenon, exports) for model in MODELS]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
