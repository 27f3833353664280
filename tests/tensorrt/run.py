#!/usr/bin/env python3
"""Builds, runs, measures and checks engines of TensorRT's without a GPU.

run.py TENON FOLDER [TEST...] [--write-golden]     TEST as unittest names them: test_runs, test_limits.Limits...

The builder of TensorRT-RTX is the real one, of the interpreter that TENON_RTX_PYTHON names (else this one); of the
other releases there are stand-ins (stand_ins), which run engines with ONNX Runtime, on a stand-in for CUDA's driver
(fake_libcuda.c). Closes with a line "N passed, N failed".
"""

from __future__ import annotations

import os
import shutil
import sys
import unittest
from pathlib import Path


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--write-golden"]
    os.environ["TENON"] = str(Path(words[0]).resolve())
    os.environ["TENON_TENSORRT_FOLDER"] = str(Path(words[1]).resolve())
    if "--write-golden" in sys.argv:
        os.environ["TENON_WRITE_GOLDEN"] = "1"
    shutil.rmtree(words[1], ignore_errors=True)
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(words[2:]) if words[2:] else loader.discover(str(Path(__file__).parent))
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    bad = {test.id().split(" ")[0] for test, _ in (*result.failures, *result.errors)}
    failed = len(bad) + len(result.skipped)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 0 if result.testsRun and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
