"""Sweeps over model families: saves each model in each kind of file, converts it, runs it in our engine and in ONNX
Runtime, and compares with PyTorch. Prints a line for each and writes LIBRARY.json into the folder.

    sweep.py FOLDER LIBRARY... [--pattern 'timm/swin*'] [--kind traced] [--opset 18]

A model's files are made, used and deleted, since all of them together would fill a disk.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import io
import json
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models"))

from outputs import flatten_outputs  # noqa: E402
from randomise import randomise  # noqa: E402
from sources import LIBRARIES, Subject, subjects  # noqa: E402
from tenon import program  # noqa: E402

TOLERANCE = 1e-4  # of an output's largest magnitude
SAVE_LIMIT_S = 300
LARGEST_SIZE = 16  # of those that vary
TENON_LIMIT_S = 300


def draw_weights(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Random weights under which every layer matters; plain ones where the calibrated ones do not fit the model."""
    saved = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        randomise(model, inputs, seed=1)
        with torch.no_grad():
            outputs = flatten_outputs(model(*inputs))
        if all(torch.isfinite(o).all() for o in outputs if o.is_floating_point()):
            return
    except Exception:  # noqa: BLE001  a layer that the calibration does not know
        pass
    model.load_state_dict(saved)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0, max(parameter[0].numel(), 1) ** -0.5, generator=generator)
            elif parameter.is_floating_point():
                parameter.add_(torch.empty_like(parameter).uniform_(-0.2, 0.2, generator=generator))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.uniform_(-0.2, 0.2, generator=generator)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5, generator=generator)


def rounding(model: nn.Module, inputs: tuple[torch.Tensor, ...], expected: list[torch.Tensor]) -> float:
    """How far single precision alone moves the outputs: the distance to double precision."""
    try:
        double = model.double()
        wide = tuple(t.double() if t.is_floating_point() else t for t in inputs)
        with torch.no_grad():
            outputs = flatten_outputs(double(*wide))
        distances = [
            float((a - b).abs().max() / b.abs().max().clamp_min(1e-30))
            for a, b in zip(expected, outputs, strict=True)
            if b.is_floating_point() and b.numel()
        ]
        return max(distances, default=0.0)
    except Exception:  # noqa: BLE001  some models insist on single precision
        return 0.0
    finally:
        model.float()


def with_dims(spec: Any, dims: dict[str, Any]) -> Any:
    """Names of sizes that vary as torch.export's Dims."""
    if isinstance(spec, str):
        return dims.setdefault(spec, torch.export.Dim(spec, min=1, max=LARGEST_SIZE))
    if isinstance(spec, dict):
        return {axis: with_dims(name, dims) for axis, name in spec.items()}
    return None if spec is None else tuple(with_dims(part, dims) for part in spec)


def save(model: nn.Module, inputs: tuple[torch.Tensor, ...], kind: str, file: Path, dynamic: Any = None) -> None:
    with torch.no_grad():
        if kind == "exported":
            program = torch.export.export(model, inputs, dynamic_shapes=with_dims(dynamic, {}), strict=False)
            torch.export.save(program, str(file))
        elif kind == "traced":
            torch.jit.save(torch.jit.trace(model, inputs, check_trace=False), str(file))
        else:
            torch.jit.save(torch.jit.script(model), str(file))


def run_tenon(*words: str | Path) -> str:
    """Empty, or why the command failed."""
    try:
        ran = subprocess.run(
            [program(), *map(str, words)], capture_output=True, text=True, timeout=TENON_LIMIT_S, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return f"CRASH took over {TENON_LIMIT_S} s"
    if ran.returncode == 0:
        return ""
    text = " ".join(ran.stderr.split())
    return f"CRASH status {ran.returncode}: {text}" if ran.returncode < 0 or ran.returncode > 4 else f"REFUSED {text}"


def difference(got: list[np.ndarray], want: list[np.ndarray], tolerance: float) -> str:
    if len(got) != len(want):
        return f"{len(got)} outputs instead of {len(want)}"
    for number, (a, b) in enumerate(zip(got, want, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {number} is {a.dtype}{list(a.shape)} instead of {b.dtype}{list(b.shape)}"
        if not b.size:
            continue
        off = np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
        if not off <= tolerance * np.abs(b.astype(np.float64)).max():
            return f"output {number} is off by {off:.2g} of {np.abs(b).max():.2g}"
    return ""


def shapes_of(file: Path, given: list[np.ndarray]) -> list[str]:
    """What the command line needs to be told of the inputs: a scripted file says nothing of them."""
    if file.suffix == ".pt2" or file.name.startswith("traced"):
        return []
    return ["--shapes", ",".join(
        f"input_{i}:" + "x".join(map(str, a.shape)) + {"int64": ":i64", "bool": ":bool"}.get(str(a.dtype), "")
        for i, a in enumerate(given))]  # fmt: skip


def check(file: Path, subject: Subject, data: tuple[Path, Path], opset: int, tolerance: float) -> str:
    """"PASS", or what is wrong."""
    inputs, expected = data
    with np.load(expected) as arrays:
        want = [arrays[name] for name in arrays.files]
    with np.load(inputs) as arrays:
        given = [arrays[name] for name in arrays.files]
    shapes = shapes_of(file, given)
    onnx_file, outputs = file.with_suffix(".onnx"), file.with_suffix(".npz")
    start = time.perf_counter()
    if why := run_tenon("convert", file, "-o", onnx_file, "--opset", str(opset), *shapes):
        return why
    seconds = time.perf_counter() - start
    if why := run_tenon("run", onnx_file, "--inputs", inputs, "-o", outputs):
        return f"FAIL run: {why}"
    with np.load(outputs) as arrays:
        if why := difference([arrays[name] for name in arrays.files], want, tolerance):
            return f"FAIL our engine: {why}"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        session = onnxruntime.InferenceSession(str(onnx_file), options, providers=["CPUExecutionProvider"])
        got = session.run(None, dict(zip([i.name for i in session.get_inputs()], given, strict=True)))
    except Exception as error:  # noqa: BLE001
        return f"FAIL ONNX Runtime: {' '.join(str(error).split())[:300]}"
    if why := difference(got, want, tolerance):
        return f"FAIL ONNX Runtime: {why}"
    return f"PASS {seconds:.2f} s"


def note(folder: Path, library: str, key: str, verdicts: dict[str, str]) -> None:
    """Keeps a model's verdicts for table.py. What is measured replaces what was measured before; the rest stays."""
    report = folder / f"{library}.json"
    table: dict[str, dict[str, str]] = json.loads(report.read_text()) if report.exists() else {}
    table[key] = table.get(key, {}) | verdicts
    report.write_text(json.dumps(table, indent=1))


def out_of_time(*_: Any) -> None:
    raise TimeoutError(f"PyTorch took over {SAVE_LIMIT_S} s")


def sweep(subject: Subject, kinds: list[str], opset: int) -> dict[str, str]:
    """The verdict for each kind of file."""
    verdicts: dict[str, str] = {}
    try:
        model, inputs = subject.build()
        draw_weights(model, inputs)
        with torch.no_grad():
            expected = flatten_outputs(model(*inputs))
        off = rounding(model, inputs, expected)
    except Exception as error:  # noqa: BLE001
        return {kind: f"NO MODEL {type(error).__name__}: {' '.join(str(error).split())[:200]}" for kind in kinds}
    tolerance = max(TOLERANCE, 4 * off)  # a model that magnifies rounding errors is judged by its own measure
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = (folder / "inputs.npz", folder / "expected.npz")
        np.savez(data[0], **{f"input_{i}": t.numpy() for i, t in enumerate(inputs)})
        np.savez(data[1], **{f"output_{i}": t.numpy() for i, t in enumerate(expected)})
        for kind in kinds:
            file = folder / f"{kind}{'.pt2' if kind == 'exported' else '.pt'}"
            signal.alarm(SAVE_LIMIT_S)
            try:
                with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                    save(model, inputs, kind, file, subject.dynamic)
            except Exception as error:  # noqa: BLE001  whatever PyTorch raises is the reason
                verdicts[kind] = f"NOT SAVED {type(error).__name__}: {' '.join(str(error).split())[:150]}"
                continue
            finally:
                signal.alarm(0)
            verdicts[kind] = check(file, subject, data, opset, tolerance)
            if off > TOLERANCE / 4:
                verdicts[kind] += f" (single precision alone moves it by {off:.1e})"
            for made in folder.glob(f"{kind}.*"):
                made.unlink()
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("libraries", nargs="+", choices=LIBRARIES)
    parser.add_argument("--pattern", default="*")
    parser.add_argument("--kind")
    parser.add_argument("--opset", type=int, default=18)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, out_of_time)
    options.folder.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for library in options.libraries:
        for subject in subjects(library):
            if not fnmatch.fnmatch(subject.key, options.pattern):
                continue
            kinds = [kind for kind in subject.kinds if options.kind in (None, kind)]
            verdicts = sweep(subject, kinds, options.opset)
            note(options.folder, library, subject.key, verdicts)
            for kind, verdict in verdicts.items():
                print(f"{subject.key} {kind}: {verdict}", flush=True)
                passed += verdict.startswith("PASS")
                failed += verdict.startswith(("FAIL", "CRASH", "REFUSED"))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
