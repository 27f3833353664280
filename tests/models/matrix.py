#!/usr/bin/env python3
"""Drives the model matrix: model x kind of file x static or dynamic batch x opset.

    matrix.py [--share] [--models build/models] [--write docs/models.md] [MODEL...]

For each file: `tenon convert`, onnx.checker, ONNX Runtime's outputs against PyTorch's, re-import; at opset 17 also
our own engine's outputs. Makes the model files first where they are missing or out of date, which asserts that each
model reacts to every one of its layers. --share takes the part that fits into 20 minutes; the full run also writes
the table. Closes with a line "N passed, N failed"; exit status 1 where anything failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import zoo
from cases import MAIN_OPSET, NEWEST_OPSET, OPSETS, Case, Outcome, run_case
from files import DYNAMIC_KINDS, STATIC_KINDS
from table import write_table

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2


def full_matrix(models: list[str]) -> list[Case]:
    """Every case at every opset."""
    static = [Case(model, kind, False, OPSETS) for model in models for kind in STATIC_KINDS]
    dynamic = [Case(model, kind, True, OPSETS) for model in models for kind in DYNAMIC_KINDS]
    return static + dynamic


def share(models: list[str]) -> list[Case]:
    """Every file at opset 17, and for each model one of its files, taken in turn, at the oldest and newest opset."""
    cases = []
    for index, model in enumerate(models):
        kinds = [(kind, False) for kind in STATIC_KINDS] + [(kind, True) for kind in DYNAMIC_KINDS]
        for turn, (kind, dynamic) in enumerate(kinds):
            swept = turn == index % len(kinds)
            opsets = (OPSETS[0], MAIN_OPSET, NEWEST_OPSET) if swept else (MAIN_OPSET,)
            cases.append(Case(model, kind, dynamic, opsets))
    return cases


def make_models(models: list[str], folder: Path) -> bool:
    """Makes the model files in a process of their own, so that PyTorch's memory is free again for the checks."""
    script = Path(__file__).with_name("make.py")
    return subprocess.run([sys.executable, script, "--out", folder, *models], check=False).returncode == 0


def run_all(cases: list[Case], folder: Path) -> list[Outcome]:
    """Runs the cases in two processes and reports each as it ends."""
    outcomes = []
    with ProcessPoolExecutor(WORKERS) as pool:
        for outcome in pool.map(run_case, cases, [folder] * len(cases)):
            report(outcome)
            outcomes.append(outcome)
    return outcomes


def report(outcome: Outcome) -> None:
    if outcome.refused:
        print(f"{outcome.case}: PyTorch cannot make this file: {outcome.refused.splitlines()[0]}", flush=True)
        return
    passed = [f"{name} {verdict.text}" for name, verdict in outcome.verdicts.items() if verdict.passed]
    print(f"{outcome.case}: {', '.join(passed)}")
    for name, verdict in outcome.verdicts.items():
        if not verdict.passed:
            print(f"  FAILED {name}: {verdict.text}")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", action="store_true", help="the part that fits into 20 minutes")
    parser.add_argument("--models", type=Path, default=ROOT / "build/models", help="folder of the model files")
    parser.add_argument("--write", type=Path, help="where the full run writes its table (default docs/models.md)")
    parser.add_argument("names", nargs="*", metavar="MODEL", help="all when none is named")
    arguments = parser.parse_args()
    names = arguments.names or [family.name for family in zoo.FAMILIES]
    if not make_models(names, arguments.models):
        print("0 passed, 1 failed (making the model files)")
        return 1
    outcomes = run_all(share(names) if arguments.share else full_matrix(names), arguments.models)
    whole = not arguments.share and not arguments.names
    if whole or arguments.write:
        write_table(outcomes, arguments.write or ROOT / "docs/models.md")
    verdicts = [verdict for outcome in outcomes for verdict in outcome.verdicts.values()]
    failed = sum(not verdict.passed for verdict in verdicts)
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
