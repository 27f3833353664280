"""Writes the matrix's outcomes as the table in docs/models.md."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from cases import MAIN_OPSET, OPSETS, Outcome, Verdict
from compare import TOLERANCE

PEERS = ("torch", "torchvision", "onnx", "onnxruntime")
REIMPORT_MARKS = {"equal": " =", "stable": " ~"}
HEADER = """# Models

What `tests/models/matrix.py` measured, with {versions}, Python {python}.

Each row is one model file as PyTorch wrote it; *dynamic* rows have a batch of 1 to 8 and are run at batch 1 and 3.
The weights are random but calibrated, so that reversing any one layer's weights moves an output by more than ten
times the tolerance.

A number under an opset is the largest error of ONNX Runtime's outputs against PyTorch's, relative to the largest
magnitude of that output; the limit is {tolerance:.0e}. It stands only where the ONNX file also passed
`onnx.checker` with full check. *ref* marks those where ONNX Runtime lacks an operator of the opset and onnx's
reference evaluator took its place. *=* says that the file, read back, is the graph it was written from; *~* that the
opset lacks an operator of that graph, and that the decomposition, read back and written again, is the same file.
*engine* is the error of Tenon's own engine on the model file and on the ONNX file of opset {main}.

{passed} checks passed, {failed} failed.
"""


def write_table(outcomes: Sequence[Outcome], path: Path) -> None:
    """One row for each outcome; failures and PyTorch's refusals follow as a list."""
    verdicts = [verdict for outcome in outcomes for verdict in outcome.verdicts.values()]
    failed = sum(not verdict.passed for verdict in verdicts)
    header = HEADER.format(
        versions=", ".join(f"{package} {version(package)}" for package in PEERS),
        python=platform.python_version(),
        tolerance=TOLERANCE,
        main=MAIN_OPSET,
        passed=len(verdicts) - failed,
        failed=failed,
    )
    titles = ["model", "file", *(f"opset {opset}" for opset in OPSETS), "engine"]
    lines = [header, _row(titles), _row(["---"] * len(titles)), *map(_outcome_row, outcomes)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n" + _notes(outcomes))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _outcome_row(outcome: Outcome) -> str:
    case = outcome.case
    kind = case.kind + (" dynamic" if case.dynamic and case.kind.endswith(".pt") else "")
    if outcome.refused:
        cells = ["PyTorch cannot make it"] + [""] * len(OPSETS)
    elif "convert" in outcome.verdicts:
        cells = [_cell(outcome.verdicts["convert"])] * (len(OPSETS) + 1)
    else:
        cells = [_opset_cell(outcome, opset) for opset in OPSETS] + [_cell(outcome.verdicts.get("engine"))]
    return _row([case.model, kind, *cells])


def _opset_cell(outcome: Outcome, opset: int) -> str:
    reimport = outcome.verdicts.get(f"re-import {opset}")
    mark = REIMPORT_MARKS[reimport.text] if reimport is not None and reimport.passed else ""
    return _cell(outcome.verdicts.get(f"opset {opset}")) + mark


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    return verdict.text if verdict.passed else "**fails**"


def _notes(outcomes: Sequence[Outcome]) -> str:
    notes = []
    for outcome in outcomes:
        if outcome.refused:
            notes.append(f"- {outcome.case}: PyTorch cannot make this file: {_brief(outcome.refused)}")
        for name, verdict in outcome.verdicts.items():
            if not verdict.passed:
                notes.append(f"- {outcome.case}, {name}: {_brief(verdict.text)}")
    return "\n## What is not in the table, and why\n\n" + "\n".join(notes) + "\n" if notes else ""


def _brief(text: str) -> str:
    """The beginning of a reason, on one line, without the folders of the machine it was measured on."""
    words = re.sub(r"(/[\w.+-]+)+/", "", " ".join(text.split()))
    return (words[:300] + "...") if len(words) > 300 else words
