"""The checks that the matrix makes of one model file. Each returns what it measured, and raises where it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.reference
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as LacksOperator

from compare import load_arrays, worst_error
from graphs import same_graph
from tenon import tenon


@dataclass(frozen=True)
class Subject:
    """A model file, what must be told about its inputs, and pairs of inputs with PyTorch's outputs."""

    model: Path
    input_names: tuple[str, ...]
    shape_options: tuple[str, ...]
    dynamic: bool
    data: tuple[tuple[Path, Path], ...]

    @staticmethod
    def of(model: Path, meta: dict[str, Any], dynamic: bool) -> Subject:
        folder = model.parent
        data = [(folder / "inputs.npz", folder / "expected.npz")]
        options: tuple[str, ...] = ("--shapes", meta["shapes"])
        if dynamic:
            data.append((folder / "inputs_dynamic.npz", folder / "expected_dynamic.npz"))
            options = ("--dynamic", meta["dynamic"])
        if model.suffix == ".pt2":
            options = ()  # an exported program says it itself
        names = tuple(entry["name"] for entry in meta["inputs"])
        return Subject(model, names, options, dynamic, tuple(data))

    def worst_error(self, run: Callable[[Path], list[np.ndarray]]) -> str:
        """The largest error of `run`, which gets the npz of the inputs, over all data."""
        errors = [worst_error(run(inputs), list(load_arrays(expected).values())) for inputs, expected in self.data]
        return f"{max(errors):.0e}"


def convert(subject: Subject, opset: int, onnx_file: Path) -> str:
    tenon("convert", subject.model, "-o", onnx_file, "--opset", str(opset), *subject.shape_options)
    return "ok"


def check_onnx(subject: Subject, opset: int, onnx_file: Path) -> str:
    """Converts; the checker, ONNX Runtime and the file's own declarations must agree with PyTorch.

    Where ONNX Runtime says that it lacks an operator of the opset, onnx's reference evaluator takes its place: "ref".
    """
    convert(subject, opset, onnx_file)
    onnx.checker.check_model(str(onnx_file), full_check=True)
    _check_declarations(subject, opset, onnx.load(onnx_file))
    try:
        return _run_onnxruntime(subject, onnx_file)
    except LacksOperator:
        return f"{_run_reference(subject, onnx_file)} ref"


def check_reimport(opset: int, onnx_file: Path, newest: int, canonical: Path) -> str:
    """The ONNX file, read back, must be the graph that it was written from.

    Graphs are compared as the files that they are written to: "equal" says that the newest opset's file comes out
    the same. Where the opset lacks an operator and its file holds a decomposition, what must come out the same is the
    file itself: "stable".
    """
    written, whole = onnx.load(onnx_file), onnx.load(canonical)
    if same_graph(_rewritten(onnx_file, newest), whole):
        return "equal"
    if not _operators(whole) - _operators(written):
        raise ValueError("the file, read back, is another graph, though the opset lacks no operator of it")
    if not same_graph(_rewritten(onnx_file, opset), written):
        raise ValueError("the file, read back and written again, holds another graph")
    return "stable"


def check_engine(subject: Subject, onnx_file: Path) -> str:
    """Our own engine, on the model file where it says its shapes, and on the ONNX written from it."""

    def run(source: Path, inputs: Path) -> list[np.ndarray]:
        outputs = onnx_file.with_suffix(".npz")
        tenon("run", source, "--inputs", inputs, "-o", outputs)
        return list(load_arrays(outputs).values())

    sources = [onnx_file] if subject.dynamic else [subject.model, onnx_file]
    return max(
        (subject.worst_error(lambda inputs, source=source: run(source, inputs)) for source in sources), key=float
    )


def _check_declarations(subject: Subject, opset: int, model: onnx.ModelProto) -> None:
    found = {entry.domain: entry.version for entry in model.opset_import}
    if found != {"": opset}:
        raise ValueError(f"the file imports {found} instead of opset {opset}")
    names = tuple(value.name for value in model.graph.input)
    if names != subject.input_names:
        raise ValueError(f"the inputs are called {names} instead of {subject.input_names}")
    for value in (*model.graph.input, *model.graph.output):
        first = value.type.tensor_type.shape.dim[0]
        if first.HasField("dim_value") == subject.dynamic:
            raise ValueError(f"the batch of {value.name} is {'fixed' if subject.dynamic else 'not fixed'}")


def _run_onnxruntime(subject: Subject, onnx_file: Path) -> str:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(onnx_file), options, providers=["CPUExecutionProvider"])
    return subject.worst_error(lambda inputs: session.run(None, load_arrays(inputs)))


def _run_reference(subject: Subject, onnx_file: Path) -> str:
    evaluator = onnx.reference.ReferenceEvaluator(str(onnx_file))
    return subject.worst_error(lambda inputs: evaluator.run(None, load_arrays(inputs)))


def _rewritten(onnx_file: Path, opset: int) -> onnx.ModelProto:
    again = onnx_file.with_suffix(".again.onnx")
    tenon("convert", onnx_file, "-o", again, "--opset", str(opset))
    return onnx.load(again)


def _operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)
