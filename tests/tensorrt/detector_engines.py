"""torchvision's detectors as engines: scripted files whose numbers of boxes the data decides, which TensorRT-RTX has nothing
for, become engines with fixed sizes and a count.

    detector_engines.py [--share] TENON [MODEL...]

The ONNX model that TensorRT is given is run by ONNX Runtime on pictures with more boxes, fewer and none, and what counts of
its outputs is compared with PyTorch's; the engine is built by TensorRT-RTX itself, in fp32 and fp16, with the types of the
parsed network verified. --share takes the two smallest models, in fp32. TENON_RTX_PYTHON names an interpreter that has the
module (this one, where it is not set). Ends with a line "N passed, M failed".
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "families"), str(HERE.parent / "models")]

from detectors import DETECTORS, SHARE, build, difference, picture  # noqa: E402

HEIGHT, WIDTH = 320, 320
PYTHON = os.environ.get("TENON_RTX_PYTHON", sys.executable)
QUIET = onnxruntime.SessionOptions()
QUIET.intra_op_num_threads, QUIET.log_severity_level = 1, 4


def pictures() -> dict[str, torch.Tensor]:
    """Two pictures, and one with little contrast; one with none has anchors that tie, whose order is nobody's."""
    return {
        "a picture": picture(HEIGHT, WIDTH),
        "another": picture(HEIGHT, WIDTH, seed=11),
        "a pale one": 0.4 + 0.2 * picture(HEIGHT, WIDTH, seed=5),
    }


def heads_of(model: torch.nn.Module) -> torch.nn.Module:
    """What holds the threshold of the scores."""
    return model.roi_heads if hasattr(model, "roi_heads") else model


def with_half_of_its_boxes(model: torch.nn.Module) -> torch.nn.Module:
    """Its threshold in the middle of the scores that the first picture gets: the number of boxes is then the data's."""
    with torch.no_grad():
        (found,) = model([next(iter(pictures().values()))])
    heads_of(model).score_thresh = float(found["scores"].median())
    return model


def cut(outputs: dict[str, np.ndarray], names: list[str]) -> dict[str, np.ndarray] | str:
    """What counts of each output; words where the rest is not zero."""
    out = {}
    (count,) = [value for key, value in outputs.items() if key.endswith("_count")]
    for name in names:
        if np.any(outputs[name][int(count) :]):
            return f"{name} is not zero after the {int(count)} rows that count"
        out[name] = outputs[name][: int(count)]
    return out


def check_outputs(model: torch.nn.Module, onnx_file: Path, empty: bool) -> str:
    session = onnxruntime.InferenceSession(str(onnx_file), QUIET, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    counts = []
    for title, x in pictures().items():
        with torch.no_grad():
            want = {key: value.numpy() for key, value in model([x])[1][0].items()}
        counts.append(len(want["boxes"]))
        got = cut(dict(zip(names, session.run(None, {"images_0": x.numpy()}), strict=True)), list(want))
        if isinstance(got, str):
            return f"FAIL {title}: {got}"
        if len(want["boxes"]) == 0:
            if len(got["boxes"]) > 1:  # one may be at the threshold
                return f"FAIL {title}: {len(got['boxes'])} boxes where PyTorch has none"
        elif why := difference(got, want):
            return f"FAIL {title}: {why}"
    if (max(counts) == 0) != empty:
        return f"FAIL {max(counts)} boxes: the check proves nothing"
    return f"PASS {' and '.join(map(str, counts))} boxes"


def run(*words: object) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    return "" if done.returncode == 0 else f"FAIL exit {done.returncode}: {done.stderr.strip()[:600]}"


def check(tenon: Path, name: str, share: bool, folder: Path) -> str:
    model, file, given = with_half_of_its_boxes(build(name)), folder / f"{name}.pt", folder / "given.onnx"
    some, none = heads_of(model).score_thresh, 2.0
    said = []
    for threshold, precision in ((some, "fp32"),) if share else ((some, "fp32"), (none, "fp32"), (some, "fp16")):
        heads_of(model).score_thresh = threshold
        scripted = torch.jit.script(model)
        torch.jit.save(scripted, str(file))
        start = time.perf_counter()
        words = (tenon, "build", file, "--target", "tensorrt-rtx", "--shapes", f"images_0[3,{HEIGHT},{WIDTH}]", "-q")
        words += ("-o", folder / "x.engine", "--no-verify", "--precision", precision, "--python", PYTHON)
        if why := run(*words, "--onnx", given):
            return f"{why} ({precision})"
        said.append(f"{precision} engine in {time.perf_counter() - start:.0f} s")
        if precision == "fp32":
            verdict = check_outputs(scripted, given, empty=threshold == none)
            if not verdict.startswith("PASS"):
                return verdict
            said.append(verdict.removeprefix("PASS "))
    return "PASS " + ", ".join(said)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", action="store_true")
    parser.add_argument("tenon", type=Path)
    parser.add_argument("models", nargs="*")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    chosen = options.models or [name for name in DETECTORS if not options.share or name in SHARE]
    passed = 0
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            verdict = check(options.tenon, name, options.share, Path(folder))
        print(f"{name}: {verdict}", flush=True)
        passed += verdict.startswith("PASS")
    print(f"{passed} passed, {len(chosen) - passed} failed")
    return 0 if passed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
