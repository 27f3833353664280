#!/usr/bin/env python3
"""Checks what Tenon writes, at every opset, against the test models of the onnx package.

Usage: check_opsets.py ONNX_REWRITE DATA [--opsets 11,17,...] [--filter TEXT] [--list]

DATA is what backend_data.py wrote. Every model is written at each opset, checked by onnx.checker (full check), run by
ONNX Runtime, by onnx's reference evaluator where that has no kernel, and compared with the model's recorded outputs.
Small integer inputs (axes, shapes) are made constants first, as older opsets want them.
"""

import argparse
import collections
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnx.numpy_helper as nh
import onnx.reference
import onnxruntime as ort

ort.set_default_logger_severity(4)


def load(path):
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    return proto


def prepared(case, target):
    """The model with small integer inputs behind the first made constants; its inputs and outputs."""
    model = onnx.load(case / "model.onnx")
    feeds, kept = {}, []
    for i, info in enumerate(list(model.graph.input)):
        proto = load(case / f"input_{i}.pb")
        array = nh.to_array(proto)
        if not info.name:
            continue
        if i > 0 and array.dtype.kind in "iu" and array.size <= 16 and array.ndim <= 1:
            constant = onnx.TensorProto()
            constant.CopyFrom(proto)
            constant.name = info.name
            model.graph.initializer.append(constant)
            continue
        kept.append(info)
        feeds[info.name] = array
    del model.graph.input[:]
    model.graph.input.extend(kept)
    wanted = [nh.to_array(load(case / f"output_{i}.pb")) for i in range(len(model.graph.output))]
    target.write_bytes(model.SerializeToString())
    return feeds, wanted


def as_double(array):
    return np.asarray(array).astype(np.complex128 if np.asarray(array).dtype.kind == "c" else np.float64)


def agrees(got, want):
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{list(got.shape)} instead of {want.dtype}{list(want.shape)}"
    half = want.dtype.itemsize <= 2 and want.dtype.kind not in "iub"
    a, b = as_double(got), as_double(want)
    if np.allclose(a, b, rtol=2e-2 if half else 1e-3, atol=2e-2 if half else 1e-5, equal_nan=True):
        return None
    return f"differs by up to {np.nanmax(np.abs(a - b)):.3g}"


def run(path, feeds, wanted):
    """(engine, None) or (engine, what is wrong)."""
    ran = None
    try:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        got = session.run(None, feeds)
        wrong = [w for w in map(agrees, got, wanted) if w]
        if not wrong:
            return "ort", None
        ran = "; ".join(wrong)
    except Exception as e:  # no kernel, or a type that its Python interface lacks
        ran = None if "NOT_IMPLEMENTED" in str(e) or "Unexpected input data type" in str(e) else str(e)[:300]
    try:
        got = onnx.reference.ReferenceEvaluator(path).run(None, feeds)
        wrong = [w for w in map(agrees, got, wanted) if w]
        return "reference", "; ".join(wrong) + (f" (ort: {ran})" if ran else "") if wrong else None
    except Exception as e:
        return "none", f"{ran or ''} / reference: {str(e)[:200]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rewrite")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--opsets", default=",".join(map(str, range(11, onnx.defs.onnx_opset_version() + 1))))
    parser.add_argument("--filter", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--expect-passed", type=int, default=0)
    args = parser.parse_args()
    opsets = args.opsets.split(",")
    counts = collections.defaultdict(collections.Counter)
    wrong_total, unread = [], 0
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.onnx")
        source = pathlib.Path(folder) / "in.onnx"
        for case in sorted(args.data.iterdir()):
            if args.filter not in case.name:
                continue
            feeds, wanted = prepared(case, source)
            done = subprocess.run([args.rewrite, source, out, *opsets], capture_output=True, text=True)
            if done.returncode not in (0, 4):
                unread += 1
                if done.returncode not in (2, 3):
                    wrong_total.append((case.name, "read", done.stderr or f"status {done.returncode}"))
                continue
            for line in done.stdout.splitlines():
                opset, verdict = line.split(" ", 1)
                if verdict != "ok":
                    counts[opset][verdict.split(":")[0]] += 1
                    if args.list or not verdict.startswith("refused"):
                        print(f"{case.name} opset {opset}: {verdict}")
                    if not verdict.startswith("refused"):
                        wrong_total.append((case.name, opset, verdict))
                    continue
                path = f"{out}.{opset}"
                try:
                    onnx.checker.check_model(onnx.load(path), full_check=True)
                except Exception as e:
                    counts[opset]["invalid"] += 1
                    wrong_total.append((case.name, opset, f"checker: {str(e)[:300]}"))
                    continue
                engine, wrong = run(path, feeds, wanted)
                if wrong and run(str(source), feeds, wanted)[1]:
                    counts[opset]["not judged"] += 1  # the original fails there as well
                    continue
                counts[opset][f"wrong ({engine})" if wrong else f"right ({engine})"] += 1
                if wrong:
                    wrong_total.append((case.name, opset, wrong))
    for name, opset, wrong in wrong_total:
        print(f"WRONG {name} opset {opset}: {wrong}")
    for opset in opsets:
        print(f"opset {opset:>2}:", ", ".join(f"{n} {what}" for what, n in sorted(counts[opset].items())))
    right = sum(n for c in counts.values() for what, n in c.items() if what.startswith("right"))
    print(f"{right} right, {len(wrong_total)} wrong, {unread} models not read")
    sys.exit(1 if wrong_total or right < args.expect_passed else 0)


main()
