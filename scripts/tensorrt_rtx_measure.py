"""Asks TensorRT-RTX which operators of ONNX it takes, and of which types; writes the answers as a table.

Run with a Python that has tensorrt_rtx_bindings, onnx and numpy; no GPU is needed, as nothing runs:
    python scripts/tensorrt_rtx_measure.py src/targets/tensorrt/rtx_measured.txt

The questions are the models of ONNX's own node tests: each as it stands, with all inputs but the first as initializers, since
many operators want those constant (or all: Range), and with the first output alone; each also with its main input in every other type that
ONNX allows there. A type is taken where the parser takes a question and the builder makes an engine of it; a few tries are
enough, since building is what costs time.
scripts/tensorrt_operators.py makes RTX's rows from the table.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
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
BUILDS = 3  # of a type, until one is an engine


def parse(model: onnx.ModelProto) -> tuple:
    """Builder, network, and what the parser says against the model; None where it takes it."""
    builder = trt.Builder(QUIET)
    network = builder.create_network(0)  # RTX's networks are strongly typed without being asked
    parser = trt.OnnxParser(network, QUIET)
    if parser.parse(model.SerializeToString()):
        return builder, network, None
    if parser.num_errors == 0:
        return builder, network, "no reason given"
    error = parser.get_error(0)
    quoted = re.findall(r'"([^"]+)"', error.desc())
    return builder, network, f"{str(error.code()).split('.')[-1]}: {quoted[-1] if quoted else error.desc()}"


def refusal(model: onnx.ModelProto) -> str | None:
    return parse(model)[2]


def builds(model: onnx.ModelProto) -> bool | None:
    """Whether an engine comes of a model that the parser takes; None where values of inputs would have to be known."""
    builder, network, _ = parse(model)
    if network.num_inputs == 0 or any(network.get_input(i).is_shape_tensor for i in range(network.num_inputs)):
        return None
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM120, 0)
    return builder.build_serialized_network(network, config) is not None


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
            # A grid and the values of attention have types of their own in ONNX; TensorRT wants them to be the others'.
            if formal[min(i, len(formal) - 1)].type_str == variable or node.op_type in ("GridSample", "Attention"):
                names.add(name)
    for value in [*model.graph.input, *model.graph.output]:
        if value.name in names and value.type.HasField("tensor_type"):
            return names, value.type.tensor_type.elem_type
    return names, 0


@dataclass
class Question:
    model: onnx.ModelProto
    data_sets: list = field(default_factory=list)


def realistic() -> dict[str, list[Question]]:
    """Questions where ONNX's tests are of sizes or results that no engine is made for, whatever the type."""
    attention = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 128, 64]) for name in "qkv"]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    constants = [numpy_helper.from_array(np.float32(0.5), "scale"), numpy_helper.from_array(np.int8(0), "zero")]

    def question(node: onnx.NodeProto, inputs: list, result: int, opset: int, initializers: list) -> Question:
        shape = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim]
        outputs = [helper.make_tensor_value_info("y", result, shape)]
        graph = helper.make_graph([node], "question", inputs, outputs, initializers)
        return Question(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]))

    return {
        "Attention": [question(helper.make_node("Attention", list("qkv"), ["y"]), attention, TensorProto.FLOAT, 23, [])],
        "QuantizeLinear": [
            question(
                helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"]), [image], TensorProto.INT8, 21, constants
            )
        ],
    }


def ask(cases: list, answers) -> None:
    """Sends (type, reason against it, whether only constants made it possible, whether it builds) for every question."""
    tries, engines = defaultdict(int), set()
    for case in cases:
        names, own = values_of_main_type(case.model)
        arrays = {}
        if case.data_sets:
            arrays = dict(zip([i.name for i in case.model.graph.input], case.data_sets[0][0], strict=False))
        for kind in {own, *TYPES} - {0}:
            model = case.model if kind == own else retyped(case.model, names, kind)
            if model is None:
                continue
            if len(model.graph.output) > 1 and model.graph.node[0].op_type not in ("If", "Loop", "Scan") and refusal(model):
                model = with_one_output(model)
            forms = [model]
            if len(model.graph.input) > 1:
                forms += [with_constants(model, arrays, first) for first in (1, 0)]
            reasons = [refusal(form) for form in forms]
            taken = [form for form, reason in zip(forms, reasons, strict=True) if reason is None]
            engine = None
            for form in taken:
                if kind in engines or tries[kind] == BUILDS:
                    break
                built = builds(form)
                if built is None:
                    continue
                engine, tries[kind] = built, tries[kind] + 1
                if built:
                    engines.add(kind)
                    break
            constants = reasons[0] is not None
            answers.send((TYPES.get(kind, "other"), None if taken else reasons[0], constants, engine))
    answers.send(None)


@dataclass
class Answers:
    types: set = field(default_factory=set)  # that the parser takes
    asked_types: set = field(default_factory=set)
    engines: set = field(default_factory=set)  # types of which an engine came
    refused_engines: set = field(default_factory=set)  # and did not, at some time
    taken: int = 0
    asked: int = 0
    plain: bool = False  # some were taken without constants
    reasons: dict = field(default_factory=lambda: defaultdict(int))

    def taken_types(self) -> set:
        """What no build was tried of is believed of the parser."""
        return self.types - (self.refused_engines - self.engines)


def measure(cases: list) -> Answers:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=ask, args=(cases, theirs))  # a crash ends that one
    process.start()
    theirs.close()
    out = Answers()
    try:
        while (answer := ours.recv()) is not None:
            kind, against, constants, engine = answer
            out.asked += 1
            out.asked_types.add(kind)
            if against is not None:
                out.reasons[against] += 1
                continue
            out.taken += 1
            out.types.add(kind)
            out.plain = out.plain or not constants
            if engine is not None:
                (out.engines if engine else out.refused_engines).add(kind)
    except EOFError:
        out.reasons["it crashed"] += 1
    process.join()
    return out


def questions() -> dict[str, list]:
    """By operator; the realistic ones first."""
    out = defaultdict(list, realistic())
    for case in collect_testcases(None):
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].domain == "" and not case.model.functions:
            out[nodes[0].op_type].append(case)
    return out


def main() -> None:
    warnings.simplefilter("ignore")
    by_operator = questions()
    order = list(TYPES.values())
    lines = [
        f"# Measured with TensorRT-RTX {'.'.join(trt.__version__.split('.')[:3])} by scripts/tensorrt_rtx_measure.py; do not edit.",
        f"# The questions are the node tests of onnx {onnx.__version__}. A line: operator, questions that the parser took, questions",
        "# asked, the types of which it took any and an engine came, those of which none did, 'constants' where it took none",
        "# without initializers.",
    ]
    for operator in sorted(by_operator):
        answers = measure(by_operator[operator])
        taken = answers.taken_types()
        known = ",".join(t for t in order if t in taken) or "-"
        refused = ",".join(t for t in order if t in answers.asked_types - taken) or "-"
        constants = "" if answers.plain or not answers.taken else " constants"
        lines.append(f"{operator} {answers.taken} {answers.asked} {known} {refused}{constants}")
        reasons = sorted(answers.reasons, key=answers.reasons.get, reverse=True)
        print(lines[-1], "|", "; ".join(reasons[:4]), flush=True)
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
