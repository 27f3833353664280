"""Brings docs/families.md, tables of families and kinds of file, up to date with what sweep.py, detectors.py and
quantised.py wrote into the folder; libraries that were not measured stay as they are.

    table.py FOLDER docs/families.md
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


def section(library: str, table: dict[str, dict[str, str]]) -> str:
    """A library's table, and below it the reason for every file that is not right."""
    verdicts = [v for row in table.values() for v in row.values()]
    good = sum(v.startswith("PASS") for v in verdicts)
    bad = sum(v.startswith(("FAIL", "CRASH", "REFUSED")) for v in verdicts)
    lines = [f"## {library}", "", f"{good} files right, {bad} not.", ""]
    lines += ["| family | model | traced | scripted | exported |", "| --- | --- | --- | --- | --- |"]
    reasons: list[str] = []
    for key, row in sorted(table.items()):
        _, family, model = key.split("/", 2)
        lines.append(f"| {family} | {model} | " + " | ".join(cell(row.get(kind)) for kind in KINDS) + " |")
        for kind, why in row.items():
            if not why.startswith("PASS"):
                why = re.sub(r'"[^" ]*/site-packages/', '"', " ".join(why.split()))
                reasons.append(f"- {key}, {kind}: {why}"[:240])
    return "\n".join([*lines, "", *reasons]).rstrip() + "\n"


def main() -> int:
    folder, page = Path(sys.argv[1]), Path(sys.argv[2])
    before, *old = re.split(r"(?m)^(?=## )", page.read_text())
    sections = {text.split("\n", 1)[0].removeprefix("## "): text.rstrip() + "\n" for text in old}
    for file in folder.glob("*.json"):
        sections[file.stem] = section(file.stem, json.loads(file.read_text()))
    page.write_text("\n".join([before.rstrip() + "\n", *(sections[name] for name in sorted(sections))]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
