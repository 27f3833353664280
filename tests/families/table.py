"""Writes docs/families.md, a table of families and kinds of file, from what sweep.py wrote into the folder.

    table.py FOLDER > docs/families.md
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

KINDS = ("traced", "scripted", "exported")


def cell(verdict: str | None) -> str:
    """A word for the table; the reason goes below it."""
    if verdict is None:
        return ""
    for start, word in (("PASS", "ok"), ("NOT SAVED", "not saved"), ("NO MODEL", "no model")):
        if verdict.startswith(start):
            return word
    return verdict.split()[0].lower()


def main() -> int:
    print("# Model families\n\n<!-- Written by tests/families/table.py -->\n")
    print(
        "One small model of each family, with random weights, saved in each kind of file that PyTorch can make, converted at "
        "opset 18 and compared with PyTorch in ONNX Runtime and in Tenon's engine: within 1e-4 of an output's largest "
        "magnitude, or four times what single precision alone moves it. *not saved*: PyTorch itself cannot.\n"
    )
    reasons: list[str] = []
    for file in sorted(Path(sys.argv[1]).glob("*.json")):
        table = json.loads(file.read_text())
        verdicts = [v for row in table.values() for v in row.values()]
        good = sum(v.startswith("PASS") for v in verdicts)
        bad = sum(v.startswith(("FAIL", "CRASH", "REFUSED")) for v in verdicts)
        print(f"## {file.stem}\n\n{good} files right, {bad} not.\n")
        print("| family | model | traced | scripted | exported |\n| --- | --- | --- | --- | --- |")
        for key, row in table.items():
            _, family, model = key.split("/", 2)
            print(f"| {family} | {model} | " + " | ".join(cell(row.get(kind)) for kind in KINDS) + " |")
            reasons += [f"- {key}, {kind}: {why}" for kind, why in row.items() if not why.startswith("PASS")]
        print()
    print("## Reasons\n")
    for reason in reasons:
        print(re.sub(r'"[^" ]*/site-packages/', '"', " ".join(reason.split()))[:240])
    return 0


if __name__ == "__main__":
    sys.exit(main())
