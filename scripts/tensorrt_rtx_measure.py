"""Asks TensorRT-RTX's parser which operators of ONNX it takes, and of which types; writes the answers as a table.

Run with a Python that has tensorrt_rtx_bindings, onnx and numpy; no GPU is needed, as nothing is built:
    python scripts/tensorrt_rtx_measure.py src/targets/tensorrt/rtx_measured.txt

The questions are the models of ONNX's own node tests: each as it stands, with all inputs but the first as initializers, since
many operators want those constant (or all: Range), and with the first output alone; each also with its main input in every other type that
ONNX allows there.
scripts/tensorrt_operators.py makes RTX's rows from the table.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
import tensorrt_rtx_bindings as trt
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

TYPES = {
    TensorProto.FLOAT: "FP32", TensorProto.FLOAT16: "FP16", TensorProto.BFLOAT16: "BF16", TensorProto.DOUBLE: "FP64",
    TensorProto.FLOAT8E4M3FN: "FP8", TensorProto.INT4: "INT4", TensorProto.INT8: "INT8", TensorProto.INT16: "INT16",
    TensorProto.INT32: "INT32", TensorProto.INT64: "INT64", TensorProto.UINT8: "UINT8", TensorProto.UINT16: "UINT16",
    TensorProto.UINT32: "UINT32", TensorProto.UINT64: "UINT64", TensorProto.BOOL: "BOOL", TensorProto.STRING: "STRING",
}  # fmt: skip
# The parameter whose type is the operator's, where it is not the first input; (False, 0) is the first output.
MAIN = {
    "Where": (True, 1), "OneHot": (True, 2), "ConstantOfShape": (False, 0), "EyeLike": (False, 0),
    "BlackmanWindow": (False, 0), "HammingWindow": (False, 0), "HannWindow": (False, 0), "Range": (True, 0),
}  # fmt: skip
QUIET = trt.Logger(trt.Logger.INTERNAL_ERROR)
trt.init_libnvinfer_plugins(QUIET, "")  # some operators are plugins


def refusal(model: onnx.ModelProto) -> str | None:
    """What the parser says against the model; None where it takes it."""
    builder = trt.Builder(QUIET)
    network = builder.create_network(0)  # RTX's networks are strongly typed without being asked
    parser = trt.OnnxParser(network, QUIET)
    if parser.parse(model.SerializeToString()):
        return None
    if parser.num_errors == 0:
        return "no reason given"
    error = parser.get_error(0)
    quoted = re.findall(r'"([^"]+)"', error.desc())
    return f"{str(error.code()).split('.')[-1]}: {quoted[-1] if quoted else error.desc()}"


def retyped(model: onnx.ModelProto, names: set[str], to: int) -> onnx.ModelProto | None:
    """The model with these values of type `to`; None where that makes no valid model."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    for value in [*out.graph.input, *out.graph.output]:
        if value.name in names and value.type.HasField("tensor_type"):
            value.type.tensor_type.elem_type = to
    for attribute in out.graph.node[0].attribute:
        if attribute.name == "dtype" or (attribute.name == "output_datatype"):
            attribute.i = to
        if attribute.name == "value" and out.graph.node[0].op_type == "ConstantOfShape":
            attribute.t.CopyFrom(helper.make_tensor("value", to, [1], [1]))
    try:
        onnx.checker.check_model(out)
        onnx.shape_inference.infer_shapes(out, check_type=True, strict_mode=True)
    except Exception:
        return None
    return out


def with_constants(model: onnx.ModelProto, arrays: dict[str, object], first: int) -> onnx.ModelProto:
    """The inputs from `first` on as initializers."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    for value in list(out.graph.input)[first:]:
        array = arrays.get(value.name)
        if not isinstance(array, (np.ndarray, np.generic)):
            continue
        kind = value.type.tensor_type.elem_type
        try:
            tensor = numpy_helper.from_array(np.asarray(array).astype(helper.tensor_dtype_to_np_dtype(kind)), value.name)
        except Exception:
            continue
        out.graph.initializer.append(tensor)
        out.graph.input.remove(value)
    return out


def with_one_output(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the outputs after the first."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    del out.graph.output[1:], out.graph.node[0].output[1:]
    return out


def values_of_main_type(model: onnx.ModelProto) -> tuple[set[str], int]:
    """The values that share the operator's main type variable, and their type in this model."""
    node = model.graph.node[0]
    version = max(o.version for o in model.opset_import if o.domain == "")
    schema = onnx.defs.get_schema(node.op_type, version, "")
    is_input, index = MAIN.get(node.op_type, (True, 0))
    parameters = schema.inputs if is_input else schema.outputs
    if not parameters:
        is_input, parameters = False, schema.outputs
    variable = parameters[min(index, len(parameters) - 1)].type_str
    names = set()
    for values, formal in ((node.input, schema.inputs), (node.output, schema.outputs)):
        for i, name in enumerate(values):
            # GridSample's grid has a type of its own in ONNX, which TensorRT wants to be the image's.
            if formal[min(i, len(formal) - 1)].type_str == variable or node.op_type == "GridSample":
                names.add(name)
    for value in [*model.graph.input, *model.graph.output]:
        if value.name in names and value.type.HasField("tensor_type"):
            return names, value.type.tensor_type.elem_type
    return names, 0


def ask(cases: list, answers) -> None:
    """Sends (type, reason against it, whether only constants made it possible) for every question."""
    for case in cases:
        names, own = values_of_main_type(case.model)
        arrays = {}
        if case.data_sets:
            arrays = dict(zip([i.name for i in case.model.graph.input], case.data_sets[0][0], strict=False))
        for kind in {own, *TYPES} - {0}:
            model = case.model if kind == own else retyped(case.model, names, kind)
            if model is None:
                continue
            against = refusal(model)
            constants = False
            if against is not None and len(model.graph.output) > 1 and model.graph.node[0].op_type not in ("If", "Loop", "Scan"):
                model = with_one_output(model)
                against = refusal(model) and against
            if against is not None and len(model.graph.input) > 1:
                constants = any(refusal(with_constants(model, arrays, first)) is None for first in (1, 0))
            answers.send((TYPES.get(kind, "other"), None if constants else against, constants))
    answers.send(None)


def measure(cases: list) -> tuple[set[str], set[str], int, int, list[str], bool]:
    """Types taken and asked, questions taken and asked, the reasons, and whether some were taken without constants."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=ask, args=(cases, theirs))  # a crash of the parser ends that one
    process.start()
    theirs.close()
    types, asked_types, reasons, taken, asked, plain = set(), set(), defaultdict(int), 0, 0, False
    try:
        while (answer := ours.recv()) is not None:
            kind, against, constants = answer
            asked += 1
            asked_types.add(kind)
            if against is None:
                taken += 1
                types.add(kind)
                plain = plain or not constants
            else:
                reasons[against] += 1
    except EOFError:
        reasons["the parser crashed"] += 1
    process.join()
    return types, asked_types, taken, asked, sorted(reasons, key=reasons.get, reverse=True), plain


def main() -> None:
    warnings.simplefilter("ignore")
    by_operator = defaultdict(list)
    for case in collect_testcases(None):
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].domain == "" and not case.model.functions:
            by_operator[nodes[0].op_type].append(case)
    order = list(TYPES.values())
    lines = [
        f"# Measured with TensorRT-RTX {'.'.join(trt.__version__.split('.')[:3])} by scripts/tensorrt_rtx_measure.py; do not edit.",
        f"# The questions are the node tests of onnx {onnx.__version__}. A line: operator, questions that the parser took, questions",
        "# asked, the types of which it took any, those of which it took none, 'constants' where it took none without initializers.",
    ]
    for operator in sorted(by_operator):
        types, asked_types, taken, asked, reasons, plain = measure(by_operator[operator])
        known = ",".join(t for t in order if t in types) or "-"
        refused = ",".join(t for t in order if t in asked_types - types) or "-"
        lines.append(f"{operator} {taken} {asked} {known} {refused}{'' if plain or not taken else ' constants'}")
        print(lines[-1], "|", "; ".join(reasons[:4]), flush=True)
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
