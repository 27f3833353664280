#!/usr/bin/env python3
"""Builds, runs, measures and checks engines of TensorRT's without a GPU.

run.py TENON FOLDER [TEST...] [--write-golden]     TEST as unittest names them: test_runs, test_limits.Limits...

The builder of TensorRT-RTX is the real one, of the interpreter that TENON_RTX_PYTHON names (else this one); of the
other releases there are stand-ins (stand_ins), which run engines with ONNX Runtime, on a stand-in for CUDA's driver
(fake_libcuda.c). Closes with a line "N passed, N failed".
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent


def side_by_side(tenon: str, folder: str, more: list[str]) -> int:
    """Every file of tests in a process of its own, as many at once as there are processors."""

    def run(name: str) -> str:
        words = [sys.executable, __file__, tenon, f"{folder}/{name}", name, *more]
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout

    passed = failed = 0
    names = sorted(path.stem for path in HERE.glob("test_*.py"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, said in zip(names, pool.map(run, names)):
            print(f"{name}\n{said}", flush=True)
            counts = re.search(r"(\d+) passed, (\d+) failed\s*$", said)
            passed, failed = (passed + int(counts[1]), failed + int(counts[2])) if counts else (passed, failed + 1)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--write-golden"]
    os.environ["TENON"] = str(Path(words[0]).resolve())
    os.environ["TENON_TENSORRT_FOLDER"] = str(Path(words[1]).resolve())
    if "--write-golden" in sys.argv:
        os.environ["TENON_WRITE_GOLDEN"] = "1"
    shutil.rmtree(words[1], ignore_errors=True)
    if not words[2:]:
        return side_by_side(words[0], words[1], [word for word in sys.argv if word == "--write-golden"])
    suite = unittest.defaultTestLoader.loadTestsFromNames(words[2:])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    bad = {test.id().split(" ")[0] for test, _ in (*result.failures, *result.errors)}
    failed = len(bad) + len(result.skipped)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 0 if result.testsRun and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
