#!/usr/bin/env python3
"""Checks that dependencies between the source folders go one way, by the files that each file includes.

includes.py     run from anywhere; closes with a line "N passed, N failed"

Tests may include anything; a file of an operator may include what its suffix allows. Operators' attributes, which
depend on the IR alone, may be included by the Torch front end too, which makes nodes for views.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)

# What a folder may include, besides itself and `tenon`, the public headers.
FOLDERS = {
    "base": set(),
    "archive": {"base"},
    "ir": {"base"},
    "torch/script": {"base"},
    "torch/exported": {"archive", "ir", "base"},
    "torch": {"torch/script", "torch/exported", "archive", "ir", "base"},
    "onnx": {"ir", "base"},
    "plan": {"ir", "base"},
    "targets/cpu": {"plan", "ops", "ir", "base"},
    "targets/tensorrt": {"onnx", "ir", "base"},
    "passes": {"ops", "ir", "base"},
    "numerics": {"base"},
    "api": {"archive", "torch", "onnx", "passes", "plan", "targets/cpu", "targets/tensorrt", "numerics", "ops", "ir", "base"},
    "cli": {"api", "archive", "torch", "onnx", "passes", "plan", "targets/cpu", "targets/tensorrt", "numerics", "ops", "ir", "base"},
}
# What an operator's file may include, by its suffix: the interface that it serves.
OPERATOR_SUFFIXES = {
    ".torch.cpp": {"torch", "ir", "base"},
    ".onnx.cpp": {"onnx", "ir", "base"},
    ".cpu.cpp": {"targets/cpu", "ir", "base"},
    ".simd.cpp": {"targets/cpu", "base"},
    ".op.cpp": {"ir", "base"},
    ".ref.cpp": {"ir", "base"},
}
# Operators' headers that serve one kind of file say so by their name; the others hold attributes only.
OPERATOR_HEADERS = (
    (re.compile(r"/lower\w*\.h$"), ".torch.cpp"),
    (re.compile(r"/onnx_\w+\.h$"), ".onnx.cpp"),
    (re.compile(r"\.kernels?\.h$"), ".cpu.cpp"),
)
ATTRIBUTES = re.compile(r"^ops/(\w+)/\1\.h$")


def folder_of(path: str) -> str:
    """The longest known folder that the path lies in; "tenon" for public headers, "" for generated ones."""
    for folder in sorted([*FOLDERS, "ops", "tenon"], key=len, reverse=True):
        if path.startswith(folder + "/"):
            return folder
    return ""


def allowed(path: str) -> set[str] | None:
    """The folders that a file may include; None where all are."""
    folder = folder_of(path)
    if path.endswith(".test.cpp") or path.endswith("testing.h") or path.endswith("testdata.h"):
        return None
    if folder != "ops":
        return FOLDERS[folder] | {folder, "tenon", ""}
    for pattern, suffix in OPERATOR_HEADERS:
        if pattern.search(path):
            path = suffix
    for suffix, folders in OPERATOR_SUFFIXES.items():
        if path.endswith(suffix):
            return folders | {"ops", "tenon"}
    return None if path.endswith("ops/tables.h") else {"ops", "ir", "base", "tenon"}


def main() -> int:
    files = sorted(path for path in (ROOT / "src").rglob("*") if path.suffix in (".h", ".cpp"))
    wrong = []
    for file in files:
        path = str(file.relative_to(ROOT / "src"))
        may = allowed(path)
        for included in INCLUDE.findall(file.read_text()) if may is not None else []:
            if folder_of(included) not in may and not (path.startswith("torch/") and ATTRIBUTES.match(included)):
                wrong.append(f"src/{path} includes {included}")
    for line in wrong:
        print(line)
    print(f"{len(files) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
