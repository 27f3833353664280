#!/usr/bin/env python3
"""Whether TensorRT-RTX means by attributes what ONNX means: those that are left out, and those that it does not look at.

    attributes.py TENON FOLDER

An attribute that is left out has to give the network that its default value gives, since Tenon leaves defaults out; where it
does not, Tenon has to write it. The questions are the models of ONNX's own node tests. An attribute that makes no difference
to the network, though it does in ONNX, has to be refused by `tenon inspect --target tensorrt-rtx`. Networks are compared layer by
layer; nothing is built. Needs a Python that has TensorRT-RTX and onnx. Closes with a line "N passed, N failed".
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import tensorrt_rtx_bindings as trt

from refused import UNSUPPORTED, forms, operators, questions

QUESTIONS = 4  # about an attribute
# What hides in a layer's other fields, or is another object each time.
LEFT_OUT = {"name", "metadata", "loop", "plugin", "attention"}
# Left out, these are something else to it; Tenon writes them.
WRITTEN = {("Trilu", "upper"): "Trilu (x)", ("Selu", "alpha"): "Selu (x)", ("Selu", "gamma"): "Selu (x)"}
# What it does not look at: operator, and the same with and without it.
IGNORED = {
    "LSTM": ("(float[5,3,2] x, float[1,28,2] w, float[1,28,7] r) => (float[a,b,c,d] y)", "LSTM <hidden_size=7{}> (x,w,r)", ", layout=1"),
    "GRU": ("(float[5,3,2] x, float[1,21,2] w, float[1,21,7] r) => (float[a,b,c,d] y)", "GRU <hidden_size=7{}> (x,w,r)", ", layout=1"),
    "RNN": ("(float[5,3,2] x, float[1,7,2] w, float[1,7,7] r) => (float[a,b,c,d] y)", "RNN <hidden_size=7{}> (x,w,r)", ", layout=1"),
    "Cast": ("(float[2,8] x) => (float8e4m3fn[2,8] y)", "Cast <to=17{}> (x)", ", saturate=0"),
    "SpaceToDepth": ("(float[1,2,4,6] x) => (float[1,8,2,3] y)", "SpaceToDepth <blocksize=2{}> (x)", ', mode="CRD"'),
}  # fmt: skip


class Quiet(trt.ILogger):
    def __init__(self) -> None:
        trt.ILogger.__init__(self)

    def log(self, severity: trt.ILogger.Severity, text: str) -> None:
        pass


QUIET = Quiet()
CLASSES = {name[1:-5].lower(): getattr(trt, name) for name in dir(trt) if name.startswith("I") and name.endswith("Layer")}


def fields(layer: trt.ILayer) -> Iterator[object]:
    layer.__class__ = CLASSES.get(layer.type.name.replace("_", "").lower(), trt.ILayer)
    yield layer.type.name
    yield [tuple(layer.get_output(i).shape) for i in range(layer.num_outputs)]
    yield [layer.get_input(i) and layer.get_input(i).name for i in range(layer.num_inputs)]
    for name in sorted(set(dir(layer)) - LEFT_OUT):
        if name.startswith("_"):
            continue
        try:
            value = getattr(layer, name)
        except Exception:  # noqa: BLE001  some fields are only there in some modes of a layer
            continue
        if isinstance(value, np.ndarray):
            # Defaults are written with few digits here and with many there.
            yield name, value.dtype.str, np.round(value, 6).tobytes() if value.dtype.kind == "f" else value.tobytes()
        elif isinstance(value, float):
            yield name, round(value, 6)
        elif not callable(value) or hasattr(value, "name"):
            yield name, str(value)


def network(model: onnx.ModelProto) -> list | None:
    """Its layers; None where the parser refuses the model."""
    builder = trt.Builder(QUIET)
    parsed = builder.create_network(0)
    parser = trt.OnnxParser(parsed, QUIET)
    if not parser.parse(model.SerializeToString()):
        return None
    return [list(fields(parsed.get_layer(i))) for i in range(parsed.num_layers)]


def with_attribute(model: onnx.ModelProto, name: str, value: onnx.AttributeProto | None) -> onnx.ModelProto:
    out = onnx.ModelProto()
    out.CopyFrom(model)
    attributes = out.graph.node[0].attribute
    for attribute in list(attributes):
        if attribute.name == name:
            attributes.remove(attribute)
    if value is not None:
        attributes.append(value)
    return out


def pairs() -> Iterator[tuple[str, str, onnx.ModelProto, onnx.ModelProto]]:
    """Operator, attribute, the model without it and with its default."""
    seen = Counter()
    taken = operators()
    for operator, cases in questions().items():
        for model in (form for case in cases if taken.get(operator) for form in forms(case)):
            version = max(o.version for o in model.opset_import if o.domain == "")
            given = {a.name: a for a in model.graph.node[0].attribute}
            for name, schema in onnx.defs.get_schema(operator, version, "").attributes.items():
                default = schema.default_value
                if not default.name or given.get(name, default) != default or seen[operator, name] == QUESTIONS:
                    continue
                seen[operator, name] += 1
                yield operator, name, with_attribute(model, name, None), with_attribute(model, name, default)


def differing() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The attributes that were asked about, and those that mean something else where they are left out."""
    asked, other = set(), set()
    for operator, name, without, with_default in pairs():
        a, b = network(without), network(with_default)
        if a is not None and b is not None:
            asked.add((operator, name))
            if a != b:
                other.add((operator, name))
    return asked, other


def model(signature: str, node: str, opset: int = 22) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}]>\ng {signature} {{ y = {node} }}')


def wrong_with_written(tenon: str, folder: Path, operator: str, name: str) -> str:
    path, out = folder / f"{operator}_{name}.onnx", folder / f"{operator}_{name}_written.onnx"
    onnx.save(model("(float[4,4] x) => (float[4,4] y)", WRITTEN[operator, name]), path)
    subprocess.run([tenon, "convert", path, "-o", out, "-q"], check=True)
    nodes = onnx.load(out).graph.node
    return "" if any(a.name == name for node in nodes for a in node.attribute) else f"{operator} is written without {name}"


def wrong_with_ignored(tenon: str, folder: Path, operator: str) -> str:
    signature, node, attribute = IGNORED[operator]
    opset = 28 if operator == "SpaceToDepth" else 22
    path = folder / f"{operator}_ignored.onnx"
    asked = model(signature, node.format(attribute), opset)
    if network(asked) != network(model(signature, node.format(""), opset)):
        return f"{operator}{attribute} makes a difference by now"
    onnx.save(asked, path)
    ran = subprocess.run([tenon, "inspect", path, "--target", "tensorrt-rtx"], capture_output=True, text=True, check=False)
    return "" if ran.returncode == UNSUPPORTED and operator in ran.stderr else f"{operator}{attribute} is not refused: {ran.stderr}"


def main() -> int:
    tenon, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    asked, other = differing()
    found = {f"{o}.{n}": "" if (o, n) not in other or (o, n) in WRITTEN else "left out, it is not its default" for o, n in asked}
    found |= {f"{o}.{n}, written": wrong_with_written(tenon, folder, o, n) for o, n in WRITTEN}
    found |= {f"{o}, ignored": wrong_with_ignored(tenon, folder, o) for o in IGNORED}
    for name, why in found.items():
        if why:
            print(f"{name}: {why}")
    failed = sum(bool(why) for why in found.values())
    print(f"{len(found) - failed} passed, {failed} failed")
    return 1 if failed or not asked else 0


if __name__ == "__main__":
    sys.exit(main())
