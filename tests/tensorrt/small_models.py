"""Small ONNX models that the tests of TensorRT start from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def _save(path: Path, nodes: list, inputs: list, outputs: list, weights: dict[str, np.ndarray] | None = None, opset: int = 17) -> Path:
    constants = [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def convolution(path: Path, half: bool = False) -> Path:
    """image (batch, 3, 8, 8) to scores (batch, 5); in half precision, its last layer stays in single."""
    random = np.random.default_rng(0)
    kind = np.float16 if half else np.float32
    weights = {"conv.weight": random.normal(size=(4, 3, 3, 3)).astype(kind),
               "head.weight": random.normal(size=(4, 5)).astype(np.float32)}  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight"], ["features"], "conv/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["features"], ["active"], "relu/Relu"),
        helper.make_node("ReduceMean", ["active"], ["pooled"], "pool/ReduceMean", axes=[2, 3], keepdims=0),
    ]
    if half:
        nodes.append(helper.make_node("Cast", ["pooled"], ["wide"], "cast/Cast", to=TensorProto.FLOAT))
    nodes.append(helper.make_node("MatMul", ["wide" if half else "pooled", "head.weight"], ["scores"], "head/MatMul"))
    element = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    image = helper.make_tensor_value_info("image", element, ["batch", 3, 8, 8])
    return _save(path, nodes, [image], [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 5])], weights)


def all_types(path: Path, bfloat16: bool) -> Path:
    """An input and an output of every type that an engine's ends may have, each output its input or a sum of it."""
    kinds = {"half": TensorProto.FLOAT16, "long": TensorProto.INT64, "int": TensorProto.INT32, "flag": TensorProto.BOOL}
    if bfloat16:
        kinds["brain"] = TensorProto.BFLOAT16
    nodes = [helper.make_node("Not" if name == "flag" else "Identity" if name == "brain" else "Add",
                              [name] if name in ("flag", "brain") else [name, name], [name + "_out"], f"{name}/op")
             for name in kinds]  # fmt: skip
    ends = [[helper.make_tensor_value_info(name + suffix, kind, [2, 3]) for name, kind in kinds.items()]
            for suffix in ("", "_out")]  # fmt: skip
    return _save(path, nodes, *ends)


def sized_by_data(path: Path) -> Path:
    """The places of x's nonzero elements."""
    nodes = [helper.make_node("NonZero", ["x"], ["places"], "find/NonZero")]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [6])
    return _save(path, nodes, [x], [helper.make_tensor_value_info("places", TensorProto.INT64, [1, "n"])])


def filtered(path: Path) -> Path:
    """Images made smaller with antialiasing, which no release has, in a batch of any size."""
    nodes = [helper.make_node("Resize", ["image", "", "", "sizes"], ["smaller"], "shrink/Resize", mode="cubic", antialias=1, axes=[2, 3])]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 20, 16])
    smaller = helper.make_tensor_value_info("smaller", TensorProto.FLOAT, ["batch", 3, 7, 9])
    return _save(path, nodes, [image], [smaller], {"sizes": np.array([7, 9])}, opset=18)


def distinct(path: Path) -> Path:
    """x's distinct values, and rows of a table that they name; no release has Unique."""
    nodes = [helper.make_node("Unique", ["x"], ["values"], "find/Unique", sorted=1),
             helper.make_node("Gather", ["table", "values"], ["rows"], "look/Gather", axis=0),
             helper.make_node("Transpose", ["rows"], ["columns"], "look/Transpose")]  # fmt: skip
    x = helper.make_tensor_value_info("x", TensorProto.INT64, [6])
    outputs = [helper.make_tensor_value_info("values", TensorProto.INT64, ["n"]),
               helper.make_tensor_value_info("columns", TensorProto.FLOAT, [3, "n"])]  # fmt: skip
    table = np.arange(48, dtype=np.float32).reshape(16, 3) + 1
    return _save(path, nodes, [x], outputs, {"table": table})


def sized_by_input(path: Path) -> Path:
    """As many zeros as the number in k says."""
    nodes = [helper.make_node("ConstantOfShape", ["k"], ["zeros"], "make/ConstantOfShape")]
    k = helper.make_tensor_value_info("k", TensorProto.INT64, [1])
    return _save(path, nodes, [k], [helper.make_tensor_value_info("zeros", TensorProto.FLOAT, ["n"])])


def determinant(path: Path) -> Path:
    """An operator that TensorRT does not have."""
    nodes = [helper.make_node("Det", ["x"], ["y"], "inverse/Det")]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 3])
    return _save(path, nodes, [x], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])])
