"""Writes docs/operators.md: how much of PyTorch's operator database is right, by family and kind of file, what is left out
and why, from what make.py, run.py and torch_onnx.py wrote into the folder.

    table.py FOLDER > docs/operators.md
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

from run import KINDS, RIGHT, entry_of


def family(entry: str) -> str:
    """fft.fft -> fft, nn.functional.pad@circular -> nn.functional, norm@fro -> torch"""
    name = entry.partition("@")[0]
    return name.rpartition(".")[0] or "torch"


def right_entries(results: dict[str, tuple[str, str]], ending: str) -> dict[str, bool]:
    """Whether all of an entry's files of a kind are right."""
    entries: dict[str, bool] = {}
    for name, (verdict, _) in results.items():
        if name.endswith(ending):
            entries[entry_of(name)] = entries.get(entry_of(name), True) and verdict in RIGHT
    return entries


def share(entries: dict[str, bool], among: set[str] | None = None) -> str:
    chosen = [ok for entry, ok in entries.items() if among is None or entry in among]
    return f"{sum(chosen)} of {len(chosen)}" if chosen else "none saved"


def main() -> int:
    folder = Path(sys.argv[1])
    results = json.loads((folder / "results.json").read_text())
    others_file = folder / "torch_onnx.json"
    others = json.loads(others_file.read_text()) if others_file.exists() else {}
    left_out: dict[str, str] = {}
    for part in sorted(folder.glob("left_out.*.json")):
        left_out |= json.loads(part.read_text())
    kinds = {kind: right_entries(results, ending) for kind, ending in KINDS.items()}
    theirs = {kind: right_entries(others, ending) for kind, ending in KINDS.items()}
    print("# Operators\n")
    print("<!-- Written by tests/op_db/table.py -->\n")
    print(
        "The measure is PyTorch's own operator database (`op_db`, torch 2.15): each entry for 32-bit floating point that "
        "is deterministic, dense, and runs on the CPU; its first two samples and the largest of its first twenty. Each "
        "call is saved traced and exported, converted at opset 18, run on Tenon's reference kernels, in its engine, and "
        "in ONNX Runtime where that has the operators, and compared with PyTorch (1e-4 of the largest element; complex "
        "results as a last axis of 2). An entry is right when all of its samples are.\n"
    )
    print("| kind of file | right | wrong |\n| --- | --- | --- |")
    for kind, ending in KINDS.items():
        wrong = {entry_of(n) for n, (v, _) in results.items() if n.endswith(ending) and v in ("FAIL", "CRASH")}
        print(f"| {kind} | {share(kinds[kind])} | {len(wrong)} |")
    if others:
        print(
            "\nPyTorch's own exporters, measured in the same way on the files that they were given so far "
            "(`torch.onnx.export`, with `dynamo=True` on exported programs and `dynamo=False` on traced modules):\n"
        )
        print("| kind of file | Tenon, the same entries | torch.onnx |\n| --- | --- | --- |")
        for kind in KINDS:
            print(f"| {kind} | {share(kinds[kind], set(theirs[kind]))} | {share(theirs[kind])} |")
    print("\n## By family\n\n| family | traced | exported |\n| --- | --- | --- |")
    families: dict[str, set[str]] = defaultdict(set)
    for entries in kinds.values():
        for entry in entries:
            families[family(entry)].add(entry)
    for name, members in sorted(families.items()):
        print(f"| {name} | {share(kinds['traced'], members)} | {share(kinds['exported'], members)} |")
    print("\n## What is refused\n")
    told: dict[str, str] = {}
    for name, (verdict, why) in sorted(results.items()):
        if verdict == "REFUSED":
            told.setdefault(entry_of(name), why.partition("why: ")[2].partition("   try:")[0].strip())
    for entry, why in told.items():
        print(f"- `{entry}`: {why}")
    print("\n## What only Tenon's engine runs\n\nONNX cannot say these at opset 18, and the converter tells so:\n")
    alone: dict[str, set[str]] = defaultdict(set)
    for name, (verdict, why) in results.items():
        if verdict == "TENON_ONLY":
            alone[why.partition("why: ")[2].partition("   try:")[0].strip()].add(entry_of(name))
    for why, entries in sorted(alone.items()):
        print(f"- {why}: {', '.join(f'`{entry}`' for entry in sorted(entries))}")
    print("\n## What does not count\n")
    reasons = Counter(why for name, why in left_out.items() if not name.endswith(tuple(KINDS.values())))
    for why, _ in reasons.most_common():
        names = sorted(n for n, w in left_out.items() if w == why and not n.endswith(tuple(KINDS.values())))
        print(f"- {why}: {', '.join(f'`{name}`' for name in names)}")
    unsaved = {n: w for n, w in left_out.items() if n.endswith(tuple(KINDS.values()))}
    print(f"\n{len(unsaved)} files PyTorch could not save, or saved so that they give something else in PyTorch itself:\n")
    for name, why in sorted(unsaved.items()):
        print(f"- `{name}`: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
