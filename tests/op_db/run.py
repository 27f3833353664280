"""Converts the operator database's files (make.py), runs them in our engine and in ONNX Runtime, and compares with
PyTorch. Prints each file that is not right and writes results.json beside the files.

    run.py TORCH_CASES FOLDER [--kind traced|exported] [--pattern 'fft.*'] [--opset 18]
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import ml_dtypes
import numpy
import onnx
import onnxruntime
from distribution import draws_differ
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidGraph, NotImplemented

RTOL = 1e-4  # of an output's largest magnitude, for 32-bit floating point
BATCH = 32  # files that one process converts
TIME_LIMIT_S = 300  # for a batch
# Random operators run thousands of times; threads that spin for each other take minutes for it where the machine is busy.
PATIENT = {**os.environ, "OMP_WAIT_POLICY": "passive"}
KINDS = {"traced": ".traced.pt", "exported": ".exported.pt2"}

# LACKS: ONNX Runtime has no kernel; TENON_ONLY: ONNX cannot say it; TOLD: dropout in training mode, which is converted as
# in evaluation, and the conversion says so.
RIGHT = {"PASS", "LACKS", "TENON_ONLY", "TOLD"}


def entry_of(file: str) -> str:
    """linalg.norm.0.traced.pt -> linalg.norm"""
    return file.rsplit(".", 3)[0]


def convert(runner: str, files: list[Path], onnx_folder: Path, opset: int) -> dict[str, tuple[str, str]]:
    """Each file's verdict of our own stages: PASS, REFUSED, FAIL or CRASH, with the reason."""
    verdicts: dict[str, tuple[str, str]] = {}
    left = list(files)
    while left:
        batch = left[:BATCH]
        command = [runner, "--all", "--engine", "--rtol", str(RTOL), "--opset", str(opset), "--onnx", str(onnx_folder)]
        try:
            ran = subprocess.run([*command, *map(str, batch)], capture_output=True, text=True, timeout=TIME_LIMIT_S, env=PATIENT)
            output, ending = ran.stdout, f"ended with status {ran.returncode}"
        except subprocess.TimeoutExpired as late:
            output, ending = (late.stdout or b"").decode(), f"took over {TIME_LIMIT_S} s"
        for line in output.splitlines():
            word, _, rest = line.partition(" ")
            name, _, why = rest.partition(": ")
            if word == "NO_ONNX":
                verdicts[name + "!onnx"] = (word, why)
            elif word in ("NOTICE", "WIDE"):
                verdicts[f"{name}!{word.lower()}"] = (word, why)
            elif word in ("PASS", "REFUSED", "FAIL"):
                verdicts[name] = (word, why)
        done = [file for file in batch if file.name in verdicts]
        if len(done) < len(batch):
            broken = next(file for file in batch if file.name not in verdicts)
            verdicts[broken.name] = ("CRASH", ending)
            done.append(broken)
        left = [file for file in left if file not in done]
    return verdicts


def arrays_of(file: Path) -> dict[str, list[numpy.ndarray]]:
    """The arrays of an npz by the first part of their names: input, output, wide, draw; reference, engine."""
    found: dict[str, list[numpy.ndarray]] = defaultdict(list)
    with numpy.load(file) as arrays:
        for name in arrays.files:
            array = arrays[name]
            found[name.partition("_")[0]].append(array.view(ml_dtypes.bfloat16) if array.dtype == "V2" else array)
    return found


def difference(got: numpy.ndarray, want: numpy.ndarray) -> str:
    """Empty where an output agrees with PyTorch's."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{list(got.shape)} instead of {want.dtype}{list(want.shape)}"
    if not want.size:
        return ""
    if want.dtype.kind in "iub":
        return "" if (got == want).all() else "other values"
    tolerance = RTOL if want.dtype.itemsize >= 4 else 1e-2
    got, want = got.astype(numpy.float64), want.astype(numpy.float64)
    finite = numpy.isfinite(want)
    if not numpy.array_equal(got[~finite], want[~finite], equal_nan=True) or not numpy.isfinite(got[finite]).all():
        return "other infinities or NaN"
    scale = max(numpy.abs(want[finite]).max(initial=0), 1e-6)
    off = numpy.abs(got[finite] - want[finite]).max(initial=0)
    return "" if off <= tolerance * scale else f"off by {off:.2g} of {scale:.2g}"


def widened(model: Path) -> bytes:
    """The model with bfloat16 inputs and outputs cast from and to f32: ONNX Runtime's Python knows no bfloat16."""
    proto = onnx.load(str(model))
    casts = []
    for given in proto.graph.input:
        if given.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16:
            inner, wide = given.name, given.name + "_f32"
            casts.append(onnx.helper.make_node("Cast", [wide], [inner], to=onnx.TensorProto.BFLOAT16))
            given.name, given.type.tensor_type.elem_type = wide, onnx.TensorProto.FLOAT
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    for output in proto.graph.output:
        if output.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16:
            inner, wide = output.name, output.name + "_f32"
            proto.graph.node.append(onnx.helper.make_node("Cast", [inner], [wide], to=onnx.TensorProto.FLOAT))
            output.name, output.type.tensor_type.elem_type = wide, onnx.TensorProto.FLOAT
    return proto.SerializeToString()


def drawn(model: Path, recorded: Path) -> str:
    """Empty where what our kernels drew of a random model is of PyTorch's distribution."""
    ours, want = arrays_of(model.with_suffix(".draws.npz")), arrays_of(recorded)["draw"]
    for stage in ("reference", "engine"):
        if len(ours[stage]) != len(want):
            return f"{stage}: {len(ours[stage])} outputs instead of {len(want)}"
        for number, (one, other) in enumerate(zip(ours[stage], want, strict=True)):
            if why := draws_differ(one, other):
                return f"{stage}: output {number}: {why}"
    return ""


def as_asked(got: numpy.ndarray, want: numpy.ndarray) -> numpy.ndarray:
    """What ONNX Runtime gave; bfloat16 comes out widened."""
    got = numpy.asarray(got)
    return got.astype(want.dtype) if want.dtype == ml_dtypes.bfloat16 and got.dtype == numpy.float32 else got


def in_onnxruntime(job: tuple[Path, Path]) -> tuple[str, str]:
    """Runs a model on what is recorded, and compares. LACKS where ONNX Runtime has no kernel for a node."""
    model, recorded = job
    arrays = arrays_of(recorded)
    inputs, draws = arrays["input"], arrays["draw"]
    wanted = arrays["output"] or draws
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        narrow = any(array.dtype == ml_dtypes.bfloat16 for array in inputs + wanted)
        source = widened(model) if narrow else str(model)
        session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        inputs = [array.astype(numpy.float32) if array.dtype == ml_dtypes.bfloat16 else array for array in inputs]
        names = [one.name for one in session.get_inputs()]
        if len(names) > len(inputs):
            return "FAIL", "ONNX Runtime: more inputs than the program has"
        given = dict(zip(names, inputs, strict=False))
        results = session.run(None, given)
        if draws:
            runs = [session.run(None, given) for _ in range(len(draws[0]))]
            results = [numpy.stack(ones) for ones in zip(*runs, strict=True)]
    except NotImplemented as lacks:
        return "LACKS", f"ONNX Runtime: {str(lacks).strip().splitlines()[0][:200]}"
    except InvalidGraph as invalid:
        return "FAIL", f"ONNX Runtime: {str(invalid).strip().splitlines()[0][:300]}"
    except Exception as error:  # whatever it raises, the file did not run
        if "data type is not supported" in str(error):  # some kernels find out only when they run
            return "LACKS", f"ONNX Runtime: {str(error).strip().rpartition('Status Message: ')[2][:200]}"
        return "FAIL", f"ONNX Runtime: {type(error).__name__}: {str(error).strip().splitlines()[0][:300]}"
    if len(results) != len(wanted):
        return "FAIL", f"ONNX Runtime: {len(results)} outputs instead of {len(wanted)}"
    for number, (got, want) in enumerate(zip(results, wanted, strict=True)):
        got = as_asked(got, want)
        why = draws_differ(got, want) if draws else difference(got, want)
        wide = arrays["wide"][number] if number < len(arrays["wide"]) else None
        if why and (wide is None or difference(got, wide)):
            return "FAIL", f"ONNX Runtime: output {number}: {why}"
    return "PASS", ""


def of_our_own(file: Path, verdicts: dict[str, tuple[str, str]], model: Path, recorded: Path) -> tuple[str, str]:
    """The verdict of our own stages, with what they say beside it."""
    verdict, why = verdicts[file.name]
    drawn_by_us = model.with_suffix(".draws.npz")
    if verdict == "PASS" and drawn_by_us.exists() and (off := drawn(model, recorded)):
        notice = verdicts.get(file.name + "!notice", ("", ""))[1]
        return ("TOLD", notice) if "in training mode" in notice else ("FAIL", off)
    if verdict == "PASS" and file.name + "!onnx" in verdicts:
        return "TENON_ONLY", verdicts[file.name + "!onnx"][1]
    return verdict, why or verdicts.get(file.name + "!wide", ("", ""))[1]


def measure(options: argparse.Namespace, files: list[Path], scratch: Path) -> dict[str, tuple[str, str]]:
    """Each file's verdict: PASS; LACKS, TENON_ONLY, TOLD, right as far as it goes; REFUSED; FAIL, CRASH."""
    verdicts = convert(options.runner, files, scratch, options.opset)
    results: dict[str, tuple[str, str]] = {}
    jobs, names = [], []
    for file in files:
        model = scratch / f"{file.name}.onnx"
        recorded = options.folder / f"{file.name.rsplit('.', 2)[0]}.npz"
        results[file.name] = of_our_own(file, verdicts, model, recorded)
        if results[file.name][0] == "PASS" and model.exists():
            jobs.append((model, recorded))
            names.append(file.name)
    with multiprocessing.Pool(1, maxtasksperchild=200) as pool:
        for name, verdict in zip(names, pool.imap(in_onnxruntime, jobs), strict=True):
            if verdict[0] != "PASS":
                results[name] = verdict
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runner")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--pattern", default="*")
    parser.add_argument("--opset", type=int, default=18)
    parser.add_argument("--may-refuse", nargs="*", default=[], metavar="ENTRY", help="entries known to be refused")
    parser.add_argument("--verbose", action="store_true", help="print what passes as well")
    options = parser.parse_args()
    endings = tuple(KINDS[kind] for kind in ([options.kind] if options.kind else KINDS))
    files = sorted(
        file
        for file in options.folder.iterdir()
        if file.name.endswith(endings) and fnmatch.fnmatch(entry_of(file.name), options.pattern)
    )
    with tempfile.TemporaryDirectory() as scratch:
        results = measure(options, files, Path(scratch))
    for name, (verdict, why) in sorted(results.items()):
        if verdict != "PASS" or options.verbose:
            print(f"{verdict} {name}: {why}")
    for kind, ending in KINDS.items():
        of_kind = {name: verdict for name, (verdict, _) in results.items() if name.endswith(ending)}
        names = {entry_of(name) for name in of_kind}
        bad = {entry_of(name) for name, verdict in of_kind.items() if verdict not in RIGHT}
        silent = {entry_of(name) for name, verdict in of_kind.items() if verdict in ("FAIL", "CRASH")}
        if names:
            share = 100 * (len(names) - len(bad)) / len(names)
            print(f"{kind}: {len(names) - len(bad)} of {len(names)} entries right ({share:.1f} %), {len(silent)} wrong")
    if options.pattern == "*" and not options.kind:
        (options.folder / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True))
    expected = {n for n, (verdict, _) in results.items() if verdict == "REFUSED" and entry_of(n) in options.may_refuse}
    for entry in options.may_refuse:
        of_entry = {name for name in results if entry_of(name) == entry}
        if of_entry and not of_entry & expected:
            print(f"{entry} may be refused, and is not any more")
    good = sum(verdict in RIGHT or name in expected for name, (verdict, _) in results.items())
    print(f"{good} passed, {len(results) - good} failed")
    return 0 if good == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
