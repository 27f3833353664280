"""Converts the operator database's files (make.py), runs them in our engine and in ONNX Runtime, and compares with
PyTorch. Prints each file that is not right and writes results.json beside the files.

    run.py TORCH_CASES FOLDER [--kind traced|exported] [--pattern 'fft.*'] [--opset 18]
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path

import ml_dtypes
import numpy
import onnx
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidGraph, NotImplemented

RTOL = 1e-4  # of an output's largest magnitude, for 32-bit floating point
BATCH = 32  # files that one process converts
TIME_LIMIT_S = 300  # for a batch
KINDS = {"traced": ".traced.pt", "exported": ".exported.pt2"}


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
            ran = subprocess.run([*command, *map(str, batch)], capture_output=True, text=True, timeout=TIME_LIMIT_S)
            output, ending = ran.stdout, f"ended with status {ran.returncode}"
        except subprocess.TimeoutExpired as late:
            output, ending = (late.stdout or b"").decode(), f"took over {TIME_LIMIT_S} s"
        for line in output.splitlines():
            word, _, rest = line.partition(" ")
            name, _, why = rest.partition(": ")
            if word == "NO_ONNX":
                verdicts[name + "!onnx"] = (word, why)
            elif word in ("PASS", "REFUSED", "FAIL"):
                verdicts[name] = (word, why)
        done = [file for file in batch if file.name in verdicts]
        if len(done) < len(batch):
            broken = next(file for file in batch if file.name not in verdicts)
            verdicts[broken.name] = ("CRASH", ending)
            done.append(broken)
        left = [file for file in left if file not in done]
    return verdicts


def load(recorded: Path) -> tuple[list[numpy.ndarray], list[numpy.ndarray]]:
    with numpy.load(recorded) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    found = {n: a.view(ml_dtypes.bfloat16) if a.dtype == "V2" else a for n, a in found.items()}
    return tuple([a for n, a in found.items() if n.startswith(side)] for side in ("input_", "output_"))


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


def in_onnxruntime(job: tuple[Path, Path]) -> tuple[str, str]:
    model, recorded = job
    inputs, outputs = load(recorded)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        narrow = any(array.dtype == ml_dtypes.bfloat16 for array in inputs + outputs)
        source = widened(model) if narrow else str(model)
        session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        inputs = [array.astype(numpy.float32) if array.dtype == ml_dtypes.bfloat16 else array for array in inputs]
        names = [one.name for one in session.get_inputs()]
        if len(names) > len(inputs):
            return "FAIL", "ONNX Runtime: more inputs than the program has"
        results = session.run(None, dict(zip(names, inputs, strict=False)))
    except NotImplemented as lacks:
        return "LACKS", f"ONNX Runtime: {str(lacks).strip().splitlines()[0][:200]}"
    except InvalidGraph as invalid:
        return "FAIL", f"ONNX Runtime: {str(invalid).strip().splitlines()[0][:300]}"
    except Exception as error:  # whatever it raises, the file did not run
        return "FAIL", f"ONNX Runtime: {type(error).__name__}: {str(error).strip().splitlines()[0][:300]}"
    if len(results) != len(outputs):
        return "FAIL", f"ONNX Runtime: {len(results)} outputs instead of {len(outputs)}"
    for number, (got, want) in enumerate(zip(results, outputs, strict=True)):
        got = numpy.asarray(got)
        if want.dtype == ml_dtypes.bfloat16 and got.dtype == numpy.float32:
            got = got.astype(want.dtype)
        if why := difference(got, want):
            return "FAIL", f"ONNX Runtime: output {number}: {why}"
    return "PASS", ""


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
    results: dict[str, tuple[str, str]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        verdicts = convert(options.runner, files, Path(scratch), options.opset)
        jobs, names = [], []
        for file in files:
            results[file.name] = verdicts[file.name]
            model = Path(scratch) / f"{file.name}.onnx"
            if verdicts[file.name][0] != "PASS":
                continue
            if file.name + "!onnx" in verdicts:
                results[file.name] = ("TENON_ONLY", verdicts[file.name + "!onnx"][1])
            elif model.exists():
                jobs.append((model, options.folder / f"{file.name.rsplit('.', 2)[0]}.npz"))
                names.append(file.name)
        with multiprocessing.Pool(1, maxtasksperchild=200) as pool:
            for name, verdict in zip(names, pool.imap(in_onnxruntime, jobs), strict=True):
                if verdict[0] != "PASS":
                    results[name] = verdict
    for name, (verdict, why) in sorted(results.items()):
        if verdict != "PASS" or options.verbose:
            print(f"{verdict} {name}: {why}")
    right = {"PASS", "LACKS", "TENON_ONLY"}
    for kind, ending in KINDS.items():
        of_kind = {name: verdict for name, (verdict, _) in results.items() if name.endswith(ending)}
        names = {entry_of(name) for name in of_kind}
        bad = {entry_of(name) for name, verdict in of_kind.items() if verdict not in right}
        silent = {entry_of(name) for name, verdict in of_kind.items() if verdict in ("FAIL", "CRASH")}
        if names:
            share = 100 * (len(names) - len(bad)) / len(names)
            print(f"{kind}: {len(names) - len(bad)} of {len(names)} entries right ({share:.1f} %), {len(silent)} wrong")
    if options.pattern == "*" and not options.kind:
        (options.folder / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True))
    expected = {n for n, (verdict, _) in results.items() if verdict == "REFUSED" and entry_of(n) in options.may_refuse}
    for entry in options.may_refuse:
        if not any(entry_of(name) == entry for name in expected):
            print(f"{entry} may be refused, and is not any more")
    good = sum(verdict in right or name in expected for name, (verdict, _) in results.items())
    print(f"{good} passed, {len(results) - good} failed")
    return 0 if good == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
