#!/usr/bin/env python3
"""Writes the test models of the onnx package, with inputs and outputs, as files.

Usage: backend_data.py OUT

OUT/NAME/model.onnx and OUT/NAME/input_0.pb, output_0.pb, ...: serialised TensorProtos. Cases with sequences,
optionals or strings as inputs or outputs are left out, and those that draw random numbers.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnx.numpy_helper as nh
from onnx.backend.test.loader import load_node_model_tests


RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}


def tensors(values, infos):
    out = []
    for value, info in zip(values, infos):
        if isinstance(value, onnx.TensorProto):
            out.append(value)
            continue
        if not info.type.HasField("tensor_type") or value is None:
            return None
        array = np.asarray(value)
        if array.dtype.kind in "OUS":
            return None
        out.append(nh.from_array(array, info.name))
    return out


def main():
    root = pathlib.Path(sys.argv[1])
    written = left_out = 0
    for case in load_node_model_tests():
        if case.model is None or not case.data_sets or any(n.op_type in RANDOM for n in case.model.graph.node):
            left_out += 1
            continue
        inputs, outputs = case.data_sets[0]
        given = tensors(inputs, case.model.graph.input)
        wanted = tensors(outputs, case.model.graph.output)
        if given is None or wanted is None or len(given) != len(case.model.graph.input):
            left_out += 1
            continue
        folder = root / case.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString(deterministic=True))
        for kind, values in (("input", given), ("output", wanted)):
            for i, value in enumerate(values):
                (folder / f"{kind}_{i}.pb").write_bytes(value.SerializeToString(deterministic=True))
        written += 1
    print(f"{written} cases written, {left_out} left out")


main()
