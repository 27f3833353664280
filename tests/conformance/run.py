#!/usr/bin/env python3
"""Runs the test models of the installed onnx package through Tenon and closes with "N passed, N failed".

Usage: run.py [BUILD]

On the reference kernels (as read, canonical, optimised), and written at several opsets, checked by onnx.checker and
run by ONNX Runtime. BUILD (default build/release) holds the programs. The least numbers of models that must pass
are those that passed when they were last changed: raise them with the coverage.
"""

import pathlib
import re
import subprocess
import sys

import onnx

HERE = pathlib.Path(__file__).parent
OPSETS = "11,13,17,18,21,28"
LEAST_ON_KERNELS = 1417
LEAST_WRITTEN = 8366


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    print(done.stdout[-6000:] + (done.stderr[-2000:] if done.returncode else ""), end="")
    return done.returncode, done.stdout


def main():
    root = HERE.parent.parent
    build = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "build" / "release"
    data = build / f"onnx-{onnx.__version__}-models"
    complete = build / f"{data.name}.complete"
    if not complete.exists():
        status, _ = run(sys.executable, HERE / "backend_data.py", data)
        if status != 0:
            sys.exit(status)
        complete.touch()
    programs = build / "tests" / "conformance"
    kernels, text = run(programs / "reference_run", data, "--at-least", LEAST_ON_KERNELS)
    passed = int((re.search(r"^(\d+) passed$", text, re.M) or [0, 0])[1])
    written, text = run(sys.executable, HERE / "check_opsets.py", programs / "onnx_rewrite", data, "--opsets", OPSETS,
                        "--expect-passed", LEAST_WRITTEN)
    found = re.search(r"^(\d+) right, (\d+) wrong", text, re.M)
    right, wrong = (int(found[1]), int(found[2])) if found else (0, 1)
    failed = wrong + (kernels != 0) + (written != 0 and wrong == 0)
    print(f"{passed + right} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
