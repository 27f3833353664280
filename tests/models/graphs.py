"""Whether two ONNX files hold the same graph: the same operators on the same values, whatever those are called."""

from __future__ import annotations

from collections.abc import Iterator

import onnx


def same_graph(a: onnx.ModelProto, b: onnx.ModelProto) -> bool:
    """Compares nodes in order, their attributes, wiring and constants, and the graphs' inputs and outputs.

    The names of inputs and outputs count; those of other values and of nodes, and the order in which initializers are
    stored, do not.
    """
    return list(_parts(a.graph)) == list(_parts(b.graph))


def _parts(graph: onnx.GraphProto) -> Iterator[object]:
    """The graph's contents, in an order and under names that follow from its structure alone."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    numbers: dict[str, int] = {}

    def reference(name: str) -> object:
        if name in constants and name not in numbers:
            numbers[name] = len(numbers)
            return numbers[name], _contents(constants[name])
        return numbers[name] if name else None

    for value in graph.input:
        numbers[value.name] = len(numbers)
        yield value.SerializeToString(deterministic=True)
    for node in graph.node:
        inputs = [reference(name) for name in node.input]
        numbers.update({name: len(numbers) + index for index, name in enumerate(node.output) if name})
        attributes = sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)
        yield node.domain, node.op_type, inputs, [bool(name) for name in node.output], attributes
    for value in graph.output:
        yield reference(value.name), value.SerializeToString(deterministic=True)


def _contents(tensor: onnx.TensorProto) -> tuple[int, tuple[int, ...], bytes]:
    return tensor.data_type, tuple(tensor.dims), onnx.numpy_helper.to_array(tensor).tobytes()
