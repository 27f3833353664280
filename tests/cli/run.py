#!/usr/bin/env python3
"""Runs the command-line tests of this folder and closes with a line "N passed, N failed".

run.py [TEST...]     as unittest names them: test_inputs, test_inputs.Usage...
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path


def main() -> int:
    loader = unittest.defaultTestLoader
    names = sys.argv[1:]
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(Path(__file__).parent))
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    bad = {test.id().split(" ")[0] for test, _ in (*result.failures, *result.errors)}
    failed = len(bad) + len(result.skipped)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 0 if result.testsRun and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
