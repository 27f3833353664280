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
from typing import Iterator, List, Tuple

import onnx
import torch

from baked_models import CASES, Case, Linear
from suite import differences, report, session_of


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
    session = session_of(out)
    for shape in (case.tried, *case.traced):
        torch.manual_seed(2)
        x = torch.randn(shape)
        with torch.no_grad():
            want = [case.module(x).numpy()]
        problems += [f"together, at {shape}: {why}" for why in differences(tenon, out, session, ["x"], [x], want, work)]
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


def results(tenon: str, work: Path) -> Iterator[Tuple[str, List[str]]]:
    for case in CASES:
        traces = [trace(case.module, shape, work / f"{case.name}_{i}.pt") for i, shape in enumerate(case.traced)]
        yield case.name, check_alone(case, tenon, traces[0], work) + check_together(case, tenon, traces, work)
    for name, ok in check_others(tenon, work).items():
        yield name, [] if ok else ["failed"]


def main() -> int:
    tenon, work = sys.argv[1], Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    return report(results(tenon, work))


if __name__ == "__main__":
    sys.exit(main())
