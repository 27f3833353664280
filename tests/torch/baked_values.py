"""Traces that hold a size of their example as a constant. Alone, none of them may pass for proven at other sizes; with
--also-traced-at the result is PyTorch's at a size that no trace was made at, in ONNX Runtime and in tenon, or a refusal that
names the Python line.

usage: baked_values.py TENON WORK_DIRECTORY
"""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from baked_models import CASES, Case, Linear


def convert(tenon: str, model: Path, out: Path, *options: str):
    return subprocess.run([tenon, "convert", str(model), "-o", str(out), "--json", *options], capture_output=True, text=True)


def check_alone(case: Case, tenon: str, trace: Path, work: Path) -> list:
    out = work / f"{case.name}_alone.onnx"
    done = convert(tenon, trace, out, "--dynamic", case.dynamic)
    if case.alone == "refused":
        if done.returncode != 3 or "baked_models.py:" not in done.stderr:
            return [f"alone: not refused with its line ({done.returncode}) {done.stderr}"]
        return []
    if done.returncode != 0:
        return [f"alone: {done.stderr}"]
    report = json.loads(done.stdout)
    metadata = {p.key: p.value for p in onnx.load(str(out)).metadata_props}
    problems = []
    if report["dynamic_sizes"] != "unproven" or metadata.get("tenon.dynamic_sizes") != "unproven":
        problems.append("alone: it passes for proven")
    suspected = [s for s in report["suspicions"] if "baked_models.py:" in s["source"]]
    if bool(suspected) != (case.alone == "suspected"):
        problems.append(f"alone: suspicions are {report['suspicions']}")
    return problems


def compare(what: str, got: list, want: list) -> list:
    for a, b in zip(got, want, strict=True):
        if a.shape != b.shape:
            return [f"together: {what}: shape {a.shape}, not {b.shape}"]
        if not np.allclose(a, b, rtol=0, atol=1e-5 * max(1.0, float(np.abs(b).max()))):
            return [f"together: {what}: differs by {np.abs(a - b).max()}"]
    return []


def check_together(case: Case, tenon: str, traces: list, work: Path) -> list:
    out = work / f"{case.name}.onnx"
    also = [o for t in traces[1:] for o in ("--also-traced-at", str(t))]
    done = convert(tenon, traces[0], out, "--dynamic", case.dynamic, *also)
    if case.together != "right":
        ok = done.returncode == 3 and case.together in done.stderr and "baked_models.py:" in done.stderr
        return [] if ok else [f"together: not refused as it should be ({done.returncode}) {done.stderr}"]
    if done.returncode != 0:
        return [f"together: {done.stderr}"]
    report = json.loads(done.stdout)
    problems = []
    if report["dynamic_sizes"] != f"agrees with {len(traces)} traces" or report["suspicions"]:
        problems.append(f"together: {report['dynamic_sizes']}, {report['suspicions']}")
    given, result = work / "in.npz", work / "out.npz"
    for shape in (case.tried, *case.traced):
        torch.manual_seed(2)
        x = torch.randn(shape)
        with torch.no_grad():
            want = [case.module(x).numpy()]
        session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
        problems += compare(f"ONNX Runtime at {shape}", session.run(None, {"x": x.numpy()}), want)
        np.savez(given, x=x.numpy())
        ran = subprocess.run([tenon, "run", str(out), "--inputs", str(given), "-o", str(result), "-q"], capture_output=True, text=True)
        if ran.returncode != 0:
            problems.append(f"together: tenon run: {ran.stderr}")
            continue
        with np.load(result) as data:
            problems += compare(f"tenon at {shape}", [data[k] for k in data.files], want)
    return problems


def trace(module: torch.nn.Module, shape: list, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of what is tested here
        torch.jit.trace(module.eval(), torch.randn(shape), check_trace=False).save(str(path))
    return path


class Plain(Linear):
    def forward(self, x):
        return self.fc(x)


class FixedByProgram(Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x).view(x.size(0), 6, 2, 4)


def check_others(tenon: str, work: Path) -> dict:
    """Traces of different modules, files that are no traces, sizes that nobody declared."""
    first, out = trace(Plain(), [2, 6, 8], work / "plain.pt"), work / "plain.onnx"
    other = Plain()
    torch.nn.init.normal_(other.fc.weight)
    different = trace(other, [4, 9, 8], work / "different.pt")
    same = trace(Plain(), [4, 9, 8], work / "same.pt")
    scripted = work / "scripted.pt"
    torch.jit.script(FixedByProgram().eval()).save(str(scripted))
    results = {}

    done = convert(tenon, first, out, "--also-traced-at", str(different))
    results["other_weights"] = done.returncode == 2 and "'fc.weight' holds other values" in done.stderr
    done = convert(tenon, first, out, "--also-traced-at", str(scripted))
    results["second_is_no_trace"] = done.returncode == 2 and "not made by torch.jit.trace" in done.stderr
    done = convert(tenon, scripted, out, "--shapes", "x:2x6x8", "--also-traced-at", str(first))
    results["first_is_no_trace"] = done.returncode == 2 and "scripted and exported programs" in done.stderr
    done = convert(tenon, first, out, "--also-traced-at", str(same))
    shapes = json.loads(done.stdout)["inputs"][0]["shape"] if done.returncode == 0 else done.stderr
    results["dynamic_by_comparison"] = shapes == ["batch", "x_1", 8]
    done = convert(tenon, first, out, "--also-traced-at", str(same), "--dynamic", "x[b,6,8]")
    results["some_dynamic"] = done.returncode == 0 and json.loads(done.stdout)["inputs"][0]["shape"] == ["b", "x_1", 8]
    # A program that fixes what was to be dynamic says so with its line, also where it is no trace.
    done = convert(tenon, scripted, out, "--shapes", "x[batch=1..8,n=2..32,8]")
    results["scripted_fixes_size"] = done.returncode == 3 and "baked_values.py:" in done.stderr and "'n'" in done.stderr
    return results


def main() -> int:
    tenon, work = sys.argv[1], Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for case in CASES:
        traces = [trace(case.module, shape, work / f"{case.name}_{i}.pt") for i, shape in enumerate(case.traced)]
        failures = check_alone(case, tenon, traces[0], work) + check_together(case, tenon, traces, work)
        for failure in failures:
            print(f"{case.name}: {failure}")
        passed, failed = passed + (not failures), failed + bool(failures)
    for name, ok in check_others(tenon, work).items():
        if not ok:
            print(f"{name}: failed")
        passed, failed = passed + ok, failed + (not ok)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
