"""One case of the model matrix: a model file, static or with a dynamic batch, through its opsets."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx

import checks

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
    """What one check of a case came to: "3e-07" (a measured error), "equal", or the reason of a failure."""

    passed: bool
    text: str


@dataclass(frozen=True)
class Outcome:
    case: Case
    refused: str = ""  # PyTorch's reason for not making this file; no verdicts then
    verdicts: dict[str, Verdict] = field(default_factory=dict)


def run_case(case: Case, models: Path) -> Outcome:
    """All checks of a case. A check that fails is a verdict; only a fault of the suite itself raises."""
    meta = json.loads((models / case.model / "meta.json").read_text())
    refused = meta["dynamic_files" if case.dynamic else "files"][case.kind]
    if refused != "ok":
        return Outcome(case, refused=refused)
    subject = checks.Subject.of(models / case.model / case.kind, meta, case.dynamic)
    verdicts: dict[str, Verdict] = {}
    with tempfile.TemporaryDirectory() as scratch:
        # The newest opset lacks no operator of the canonical graph, so its file stands for that graph.
        canonical = Path(scratch) / "canonical.onnx"
        written = _judge(checks.convert, subject, NEWEST_OPSET, canonical)
        if not written.passed:
            return Outcome(case, verdicts={"convert": written})
        for opset in case.opsets:
            onnx_file = Path(scratch) / f"{opset}.onnx"
            verdicts[f"opset {opset}"] = _judge(checks.check_onnx, subject, opset, onnx_file)
            verdicts[f"re-import {opset}"] = _judge(checks.check_reimport, opset, onnx_file, NEWEST_OPSET, canonical)
            if opset == MAIN_OPSET:
                verdicts["engine"] = _judge(checks.check_engine, subject, onnx_file)
            onnx_file.unlink(missing_ok=True)
    return Outcome(case, verdicts=verdicts)


def _judge(check: Callable[..., str], *arguments: Any) -> Verdict:
    try:
        return Verdict(True, check(*arguments))
    except Exception as error:  # whatever a checker, a runtime or the program raises is this check's verdict
        return Verdict(False, f"{type(error).__name__}: {error}")
