"""Models in fp16 and bf16: saved by PyTorch, converted by tenon, checked by onnx, and run in ONNX Runtime, in tenon and in onnx's
reference evaluator, beside PyTorch in fp32.

usage: run.py TENON WORK_DIRECTORY [--all] [MODEL...]

    --all   at every opset from 17 on (bf16: from 22 on) that ONNX Runtime takes, not just the oldest and the newest
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, shape_inference
from onnx.reference import ReferenceEvaluator

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests/models"), str(ROOT / "tests/torch")]

from models import MODELS, Model, make  # noqa: E402
from suite import report  # noqa: E402

TOLERANCE = {"fp16": 1e-2, "bf16": 5e-2}
TYPE = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}
OLDEST = {"fp16": 17, "bf16": 22}
# Operators that sum in fp32 by an attribute, and what they are composed of in fp32 where the opset lacks them.
COMPOSED = {
    "GroupNormalization": {"InstanceNormalization", "Reshape"},
    "RMSNormalization": {"Mul", "ReduceMean", "Add", "Sqrt", "Div"},
    "Attention": {"Softmax"},
}


def newest_opset() -> int:
    """The newest opset of which ONNX Runtime runs a model."""
    for opset in range(onnx.defs.onnx_opset_version(), 16, -1):
        value = onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [value], [onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
        )
        model = onnx.helper.make_model_gen_version(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            return opset
        except Exception:
            continue
    raise RuntimeError("ONNX Runtime takes no opset from 17 on")


def tenon_json(tenon: str, *arguments: str) -> dict:
    done = subprocess.run([tenon, *arguments, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"tenon {' '.join(arguments)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def float_nodes(graph: onnx.GraphProto, outer: dict[str, int]) -> Iterator[onnx.NodeProto]:
    """The nodes that take or give a tensor of fp32, subgraphs included; casts and what goes through loops in sequences aside."""
    types = dict(outer)
    types.update({t.name: t.data_type for t in graph.initializer})
    sequences = set()
    for value in [*graph.input, *graph.output, *graph.value_info]:
        kind = value.type
        while kind.WhichOneof("value") == "sequence_type":
            kind = kind.sequence_type.elem_type
            sequences.add(value.name)
        types[value.name] = kind.tensor_type.elem_type
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from float_nodes(attribute.g, types)
        values = list(node.input) + list(node.output)
        if node.op_type == "Resize":
            values = [node.input[0], node.output[0]]  # its scales are of fp32 by definition
        unknown = [v for v in values if v and v not in types]
        if unknown:
            raise RuntimeError(f"shape inference says nothing of {unknown}")
        if node.op_type == "Loop":
            values = [v for v in values if v not in sequences]
        if node.op_type not in ("Cast", "Shape", "Size") and any(v and types[v] == TensorProto.FLOAT for v in values):
            yield node


def undone_casts(graph: onnx.GraphProto) -> Iterator[str]:
    """Casts of values that a cast has just brought from the same type."""
    types = {v.name: v.type.tensor_type.elem_type for v in [*graph.input, *graph.value_info]}
    made = {n.output[0]: n for n in graph.node if n.op_type == "Cast"}
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from undone_casts(attribute.g)
        before = made.get(node.input[0]) if node.op_type == "Cast" else None
        if before is not None and types.get(before.input[0]) == node.attribute[0].i and types[node.input[0]] == TensorProto.FLOAT:
            yield f"{node.name} undoes {before.name}"


def check_types(model: Model, precision: str, path: Path, said: dict) -> Iterator[str]:
    """Whether exactly what tenon says stays in fp32, and whether it is what the table says."""
    inferred = shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True, data_prop=True)
    kept = {k["node"] for k in said["precision"]["kept"]}
    composed = {op for c in said["composed"] for op in COMPOSED.get(c["op"], ())}
    for node in float_nodes(inferred.graph, {}):
        if node.name not in kept and node.op_type not in composed:
            yield f"{node.op_type} {node.name} is in fp32, which the report does not say"
    yield from undone_casts(inferred.graph)
    wanted = model.kept | (model.kept_f16 if precision == "fp16" else set())
    reasons = {k["op"]: k["reason"] for k in said["precision"]["kept"]}
    for op in sorted(reasons.keys() - wanted - model.may):
        yield f"{op} stays in fp32: {reasons[op]}"
    for op in sorted(wanted - reasons.keys()):
        yield f"{op} is not kept in fp32"
    if bool(said["precision"]["clamped"]) != model.clamped:
        yield f"clamped: {said['precision']['clamped']}"


def difference(got: np.ndarray, want: np.ndarray, limit: float) -> str | None:
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{got.shape}, not {want.dtype}{want.shape}"
    error = float(np.abs(got.astype(np.float64) - want).max()) / float(np.abs(want).max())
    return None if error <= limit else f"off by {error:.3g} of the largest magnitude, the limit is {limit}"


def run_tenon(tenon: str, path: Path, feeds: dict[str, np.ndarray], work: Path) -> np.ndarray:
    np.savez(work / "in.npz", **feeds)
    subprocess.run(
        [tenon, "run", str(path), "--inputs", str(work / "in.npz"), "-o", str(work / "out.npz"), "-q"],
        check=True, capture_output=True, text=True,
    )
    with np.load(work / "out.npz") as data:
        return data[data.files[0]]


def check_results(tenon: str, model: Model, precision: str, opset: int, path: Path, inputs, wants, work: Path) -> Iterator[str]:
    names = [i.name for i in onnx.load(path).graph.input]
    runners = {"tenon": lambda feeds: run_tenon(tenon, path, feeds, work)}
    if precision == "fp16" and model.runtime:
        try:
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            runners["ONNX Runtime"] = lambda feeds: session.run(None, feeds)[0]
        except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
            # Of new opsets it has some operators in no type at all.
            if opset == OLDEST[precision]:
                raise
    elif model.reference:
        evaluator = ReferenceEvaluator(str(path))
        runners["onnx.reference"] = lambda feeds: evaluator.run(None, feeds)[0]
    for feed, want in zip(inputs, wants):
        feeds = {n: t.numpy() for n, t in zip(names, feed)}
        for runner, run in runners.items():
            if why := difference(run(feeds), want, TOLERANCE[precision]):
                yield f"{runner}: {why}"


def check_io(tenon: str, precision: str, saved: Path, work: Path) -> Iterator[str]:
    """That inputs and outputs have the model's types by default, and the type inside where they are to."""
    for kept in (True, False):
        path = work / "io.onnx"
        tenon_json(tenon, "convert", str(saved), "-o", str(path), "--opset", "22", "--precision", precision, "--io-types",
                   "keep" if kept else precision)
        onnx.checker.check_model(str(path), full_check=True)
        graph = onnx.load(path).graph
        wanted = TensorProto.FLOAT if kept else TYPE[precision]
        types = [v.type.tensor_type.elem_type for v in [*graph.input, *graph.output]]
        floats = [t for t in types if t in (TensorProto.FLOAT, *TYPE.values())]
        if not floats or any(t != wanted for t in floats):
            yield f"--io-types {'keep' if kept else precision}: inputs and outputs have the types {types}"


def check(tenon: str, model: Model, every_opset: bool, newest: int, work: Path) -> list[str]:
    module, inputs = make(model)
    work.mkdir(parents=True, exist_ok=True)
    saved = work / "model.pt"
    with torch.no_grad():
        program = torch.jit.script(module) if model.script else torch.jit.trace(module, inputs[0])
        program.save(str(saved))
        wants = [module(*given).numpy() for given in inputs]
    types = {torch.int64: ":i64", torch.float32: ""}
    shapes = ",".join(f"input_{i}[{','.join(map(str, t.shape))}]{types[t.dtype]}" for i, t in enumerate(inputs[0]) if model.script)
    extra = ["--shapes", shapes] if model.script else []
    found = []
    if wants[0].std() < 1e-2 or np.abs(wants[0] - wants[1]).max() < 1e-2 * np.abs(wants[0]).max():
        found.append("its outputs prove nothing")
    for precision in TOLERANCE:
        opsets = range(OLDEST[precision], newest + 1) if every_opset else (OLDEST[precision], newest)
        for opset in opsets:
            path = work / f"{precision}_{opset}.onnx"
            said = tenon_json(tenon, "convert", str(saved), "-o", str(path), "--opset", str(opset), "--precision", precision, *extra)
            try:
                onnx.checker.check_model(str(path), full_check=True)
                whys = [*check_types(model, precision, path, said), *check_results(tenon, model, precision, opset, path, inputs, wants, work)]
            except subprocess.CalledProcessError as error:
                whys = [f"tenon run: {error.stderr.strip()}"]
            except Exception as error:
                whys = [f"{type(error).__name__}: {error}"]
            found += [f"{precision}, opset {opset}: {why}" for why in whys]
        if not model.script:
            found += check_io(tenon, precision, saved, work)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("tenon")
    parser.add_argument("work", type=Path)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    newest = newest_opset()
    chosen = [m for m in MODELS if not options.models or m.name in options.models]
    return report((m.name, check(options.tenon, m, options.all, newest, options.work / m.name)) for m in chosen)


if __name__ == "__main__":
    sys.exit(main())
