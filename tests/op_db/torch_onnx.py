"""Measures PyTorch's own exporters on the same files as run.py, in the same way: the newest on exported programs, the
older one on traced modules. Writes torch_onnx.json beside the files; what is there already is not measured again.

    torch_onnx.py FOLDER [--opset 18]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import signal
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from run import arrays_of, in_onnxruntime

TIME_LIMIT_S = 120


def out_of_time(*_: Any) -> None:
    raise TimeoutError(f"took over {TIME_LIMIT_S} s")


def export(file: Path, inputs: tuple[torch.Tensor, ...], opset: int, to: Path) -> None:
    if file.name.endswith(".exported.pt2"):
        torch.onnx.export(torch.export.load(str(file)), args=inputs, f=str(to), opset_version=opset, dynamo=True)
    else:
        torch.onnx.export(torch.jit.load(str(file)), inputs, str(to), opset_version=opset, dynamo=False)


def measure(file: Path, opset: int) -> tuple[str, str]:
    recorded = file.parent / f"{file.name.rsplit('.', 2)[0]}.npz"
    inputs = tuple(torch.from_numpy(array) for array in arrays_of(recorded)["input"])
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model.onnx"
        signal.alarm(TIME_LIMIT_S)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                export(file, inputs, opset, model)
        except Exception as error:  # noqa: BLE001  whatever it raises, it did not export
            return "REFUSED", f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
        finally:
            signal.alarm(0)
        return in_onnxruntime((model, recorded))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--opset", type=int, default=18)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, out_of_time)
    table = options.folder / "torch_onnx.json"
    results: dict[str, tuple[str, str]] = json.loads(table.read_text()) if table.exists() else {}
    files = [f for f in sorted(options.folder.iterdir()) if f.name.endswith((".traced.pt", ".exported.pt2"))]
    for number, file in enumerate(files):
        if file.name not in results:
            results[file.name] = measure(file, options.opset)
        if number % 50 == 0 or number + 1 == len(files):
            table.write_text(json.dumps(results, indent=1, sort_keys=True))
    right = sum(verdict == "PASS" for verdict, _ in results.values())
    print(f"{right} of {len(results)} files right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
