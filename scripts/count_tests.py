#!/usr/bin/env python3
"""Prints "N passed, N failed" for a JUnit report of ctest; a test that did not run counts as failed."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree


def main() -> int:
    suite = ElementTree.parse(sys.argv[1]).getroot()
    failed = sum(int(suite.get(kind, 0)) for kind in ("failures", "skipped", "disabled"))
    passed = int(suite.get("tests", 0)) - failed
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
