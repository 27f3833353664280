"""One case of the model matrix: a model file, static or with a dynamic batch, through all its opsets."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from compare import load_arrays, worst_error
from tenon import tenon, tenon_json

MAIN_OPSET = 17
NEWEST_OPSET = onnx.defs.onnx_opset_version()
OPSETS = (11, 13, MAIN_OPSET, 18, 21, NEWEST_OPSET)


@dataclass(frozen=True)
class Case:
    model: str
    kind: str  # the file's name
    dynamic: bool
    opsets: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.model}/{self.kind}{' dynamic' if self.dynamic else ''}"


@dataclass(frozen=True)
class Verdict:
    """What one check of a case came to: "3e-07" (a measured error), "ok", or the reason of a failure."""

    passed: bool
    text: str


@dataclass(frozen=True)
class Outcome:
    case: Case
    refused: str = ""  # PyTorch's reason for not making this file; no verdicts then
    verdicts: dict[str, Verdict] = field(default_factory=dict)


@dataclass(frozen=True)
class _Files:
    """Where a case's model, inputs and expected outputs lie."""

    model: Path
    meta: dict[str, Any]
    data: tuple[tuple[Path, Path], ...]  # pairs of inputs and expected outputs

    @staticmethod
    def of(case: Case, models: Path) -> _Files:
        folder = models / case.model
        data = [(folder / "inputs.npz", folder / "expected.npz")]
        if case.dynamic:
            data.append((folder / "inputs_dynamic.npz", folder / "expected_dynamic.npz"))
        return _Files(folder / case.kind, json.loads((folder / "meta.json").read_text()), tuple(data))


def run_case(case: Case, models: Path) -> Outcome:
    """All checks of a case. A check that fails is a verdict; only a fault of the suite itself raises."""
    files = _Files.of(case, models)
    refused = files.meta["dynamic_files" if case.dynamic else "files"][case.kind]
    if refused != "ok":
        return Outcome(case, refused=refused)
    verdicts: dict[str, Verdict] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for opset in case.opsets:
            onnx_file = Path(scratch) / f"{opset}.onnx"
            verdicts[f"opset {opset}"] = _judge(_check_onnx, case, files, opset, onnx_file)
            verdicts[f"re-import {opset}"] = _judge(_check_reimport, case, files, onnx_file)
            if opset == MAIN_OPSET:
                verdicts["engine"] = _judge(_check_engine, case, files, onnx_file)
            onnx_file.unlink(missing_ok=True)
    return Outcome(case, verdicts=verdicts)


def _judge(check: Callable[..., str], *arguments: Any) -> Verdict:
    try:
        return Verdict(True, check(*arguments))
    except Exception as error:  # whatever a checker, a runtime or the program raises is this check's verdict
        return Verdict(False, f"{type(error).__name__}: {error}")


def _convert(case: Case, files: _Files, opset: int, onnx_file: Path) -> None:
    tenon("convert", files.model, "-o", onnx_file, "--opset", str(opset), *_shape_options(case, files))


def _check_onnx(case: Case, files: _Files, opset: int, onnx_file: Path) -> str:
    """Converts; the checker, ONNX Runtime and the file's own declarations must agree with PyTorch."""
    _convert(case, files, opset, onnx_file)
    onnx.checker.check_model(str(onnx_file), full_check=True)
    _check_declarations(case, files, opset, onnx.load(onnx_file))
    return _run_onnxruntime(onnx_file, files)


def _check_declarations(case: Case, files: _Files, opset: int, model: onnx.ModelProto) -> None:
    found = {entry.domain: entry.version for entry in model.opset_import}
    if found != {"": opset}:
        raise ValueError(f"the file imports {found} instead of opset {opset}")
    names = [value.name for value in model.graph.input]
    wanted = [entry["name"] for entry in files.meta["inputs"]]
    if names != wanted:
        raise ValueError(f"the inputs are called {names} instead of {wanted}")
    for value in (*model.graph.input, *model.graph.output):
        first = value.type.tensor_type.shape.dim[0]
        if first.HasField("dim_value") == case.dynamic:
            raise ValueError(f"the batch of {value.name} is {'fixed' if case.dynamic else 'not fixed'}")


def _run_onnxruntime(onnx_file: Path, files: _Files) -> str:
    import onnxruntime  # here, so that a fork of the pool does not inherit its threads

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(onnx_file), options, providers=["CPUExecutionProvider"])

    def run(inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        return session.run(None, inputs)

    return _worst_of(files, run)


def _check_engine(case: Case, files: _Files, onnx_file: Path) -> str:
    """Our engine, on the model file itself where it is static, and on the ONNX written from it."""
    sources = [onnx_file] if case.dynamic else [files.model, onnx_file]
    errors = []
    for source in sources:
        for inputs_file, expected_file in files.data:
            outputs_file = onnx_file.with_suffix(".npz")
            tenon("run", source, "--inputs", inputs_file, "-o", outputs_file)
            errors.append(_error_of(load_arrays(outputs_file), expected_file))
    return f"{max(errors):.0e}"


def _worst_of(files: _Files, run: Callable[[dict[str, np.ndarray]], list[np.ndarray]]) -> str:
    errors = []
    for inputs_file, expected_file in files.data:
        outputs = run(load_arrays(inputs_file))
        errors.append(_error_of(dict(enumerate(outputs)), expected_file))
    return f"{max(errors):.0e}"


def _error_of(outputs: dict[Any, np.ndarray], expected_file: Path) -> float:
    return worst_error(list(outputs.values()), list(load_arrays(expected_file).values()))


def _shape_options(case: Case, files: _Files) -> list[str]:
    """What `tenon` must be told about a .pt file's inputs; a .pt2 says it itself."""
    if case.kind.endswith(".pt2"):
        return []
    return ["--dynamic", files.meta["dynamic"]] if case.dynamic else ["--shapes", files.meta["shapes"]]


def _digest(file: Path, *options: str) -> str:
    return tenon_json("inspect", file, *options)["digest"]


def _check_reimport(case: Case, files: _Files, onnx_file: Path) -> str:
    """The ONNX file, read back, must be the graph that it was written from."""
    if _digest(onnx_file) != _digest(files.model, *_shape_options(case, files)):
        raise ValueError("the ONNX file, read back, is another graph than the model's own")
    return "ok"
