"""Writes docs/operators.md: how much of PyTorch's operator database is right, by type and kind of file and entry by entry,
what is refused or left out and why, from what make.py, run.py and torch_onnx.py wrote into FOLDER/float32, FOLDER/int64...

    table.py FOLDER > docs/operators.md
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from run import KINDS, RIGHT, entry_of

DTYPES = ("float32", "float16", "bfloat16", "int64", "bool")
OTHERS = "float32"  # what PyTorch's exporters are measured on
# A cell's letter is that of its entry's worst file.
LETTERS = {"FAIL": "x", "CRASH": "x", "REFUSED": "r", "TENON_ONLY": "o", "LACKS": "o", "TOLD": "o", "PASS": "+"}
WORST_FIRST = "xro+"

Results = dict[str, tuple[str, str]]


def cells(results: Results, ending: str) -> dict[str, str]:
    """The letter of each entry that has files of this kind."""
    entries: dict[str, str] = {}
    for name, (verdict, _) in results.items():
        if name.endswith(ending):
            entries[entry_of(name)] = min(entries.get(entry_of(name), "+"), LETTERS[verdict], key=WORST_FIRST.index)
    return entries


def right(entries: dict[str, str]) -> str:
    return f"{sum(letter in '+o' for letter in entries.values())} of {len(entries)}"


def reason(why: str) -> str:
    """What stands behind "why:" in an error, or, where several lines were joined, what is nearest to it."""
    return (why.partition("why: ")[2] or why).partition("   try:")[0].strip()


def listed(names: dict[str, set[str]]) -> str:
    """Entries, with their types where these are not all that the entry has here."""
    whole = set().union(*names.values()) if names else set()
    texts = []
    for name, types in sorted(names.items()):
        texts.append(f"`{name}`" if types == whole else f"`{name}` ({', '.join(d for d in DTYPES if d in types)})")
    types = "" if whole == set(DTYPES) else f" ({', '.join(d for d in DTYPES if d in whole)})"
    return ", ".join(texts) + types


def grouped(rows: list[tuple[str, str, str]]) -> list[str]:
    """Lines "reason: entries" from (reason, entry, type)."""
    groups: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for why, entry, dtype in rows:
        groups[why][entry].add(dtype)
    return [f"- {why}: {listed(names)}" for why, names in sorted(groups.items())]


def verdicts(results: dict[str, Results], *wanted: str) -> list[tuple[str, str, str]]:
    """(reason, entry, type) of all files with one of these verdicts; of each entry and type one reason."""
    found: dict[tuple[str, str], str] = {}
    for dtype, of_type in results.items():
        for name, (verdict, why) in sorted(of_type.items()):
            if verdict in wanted:
                found.setdefault((entry_of(name), dtype), reason(why))
    return [(why, entry, dtype) for (entry, dtype), why in found.items()]


def totals(results: dict[str, Results]) -> None:
    print("| type | traced: right | exported: right | wrong | refused | confirmed by ONNX Runtime |")
    print("| --- | --- | --- | --- | --- | --- |")
    for dtype, of_type in results.items():
        kinds = [cells(of_type, ending) for ending in KINDS.values()]
        letters: dict[str, str] = {}
        for kind in kinds:
            for entry, letter in kind.items():
                letters[entry] = min(letters.get(entry, "+"), letter, key=WORST_FIRST.index)
        counts = [sum(letter == wanted for letter in letters.values()) for wanted in "xr+"]
        print(f"| {dtype} | {right(kinds[0])} | {right(kinds[1])} | {' | '.join(map(str, counts))} of {len(letters)} |")


def compared(results: Results, others: Results) -> None:
    print(
        f"\nPyTorch's own exporters, measured in the same way on the same {OTHERS} files (`torch.onnx.export`, with "
        "`dynamo=True` on exported programs and `dynamo=False` on traced modules); what ONNX Runtime has no kernel for "
        "counts as right:\n"
    )
    print("| kind of file | Tenon | torch.onnx | torch.onnx: wrong | refused or failed |\n| --- | --- | --- | --- | --- |")
    for kind, ending in KINDS.items():
        theirs = cells(others, ending)
        ours = {entry: letter for entry, letter in cells(results, ending).items() if entry in theirs}
        counts = [sum(letter == wanted for letter in theirs.values()) for wanted in "xr"]
        print(f"| {kind} | {right(ours)} | {right(theirs)} | {counts[0]} | {counts[1]} |")


def every_entry(results: dict[str, Results], others: Results) -> None:
    columns = [(f"{dtype} {kind[0]}", cells(of, end)) for dtype, of in results.items() for kind, end in KINDS.items()]
    columns += [(f"torch.onnx {kind[0]}", cells(others, ending)) for kind, ending in KINDS.items()]
    print(
        "\n## Every entry\n\nOf each entry the traced (t) and the exported (e) files: `+` right, in ONNX Runtime as well; "
        "`o` right in Tenon's engine, and ONNX Runtime or ONNX lacks it; `r` refused; `x` wrong. Empty: the database or "
        f"the file is not there. torch.onnx is of {OTHERS}.\n"
    )
    print(f"| entry | {' | '.join(name for name, _ in columns)} |\n| --- |{' --- |' * len(columns)}")
    for entry in sorted(set().union(*(column for _, column in columns))):
        print(f"| `{entry}` | {' | '.join(column.get(entry, '') for _, column in columns)} |")


def main() -> int:
    folder = Path(sys.argv[1])
    results = {dtype: json.loads((folder / dtype / "results.json").read_text()) for dtype in DTYPES}
    others: Results = json.loads((folder / OTHERS / "torch_onnx.json").read_text())
    left_out: list[tuple[str, str, str]] = []
    unsaved: list[tuple[str, str, str]] = []
    for dtype in DTYPES:
        for part in sorted((folder / dtype).glob("left_out.*.json")):
            for name, why in json.loads(part.read_text()).items():
                if not name.endswith(tuple(KINDS.values())):
                    left_out.append((why, name, dtype))
                elif name not in results[dtype]:
                    unsaved.append((why.partition("unhinted")[0].rstrip(" ("), entry_of(name), dtype))
    print("# Operators\n")
    print("<!-- Written by tests/op_db/table.py -->\n")
    print(
        "The measure is PyTorch's own operator database (`op_db`, torch 2.15): each entry that takes the type, is dense, "
        "initialises its results, and runs on the CPU; its first two samples and the largest of its first twenty. Each "
        "call is saved traced and exported, converted at opset 18, run on Tenon's reference kernels, in its engine, and "
        "in ONNX Runtime where that has the operators, and compared with PyTorch. Integers and booleans must be equal; "
        "float32 may be off by 1e-4 of the largest element, float16 and bfloat16 by 1e-2 (their published tolerances are "
        "1e-2 and 5e-2); complex results are compared as a last axis of 2. Where equal elements leave an order open, the "
        "elements are compared and not their places. Random results are held against many draws of PyTorch's: shape, "
        "dtype, mean and variance of each element, and the distance of Kolmogorov and Smirnov. An entry is right when all "
        "of its samples are.\n"
    )
    totals(results)
    compared(results[OTHERS], others)
    print("\n## What is refused\n")
    print("\n".join(grouped(verdicts(results, "REFUSED"))))
    if wrong := verdicts(results, "FAIL", "CRASH"):
        print("\n## What is wrong\n\n" + "\n".join(grouped(wrong)))
    print("\n## What only Tenon's engine runs\n\nONNX cannot say these at opset 18, and the converter tells so:\n")
    print("\n".join(grouped(verdicts(results, "TENON_ONLY"))))
    print(
        "\nONNX Runtime 1.32 has few kernels for bfloat16, and lacks some for the other types; there Tenon's engine alone "
        "is compared: `o` in the table below.\n"
    )
    print("## What is told\n\nThese are random in training alone, and the conversion says what it does:\n")
    print("\n".join(grouped(verdicts(results, "TOLD"))))
    wide = [(entry_of(n), dtype) for dtype, of in results.items() for n, (v, why) in of.items() if v == "PASS" and why]
    if wide:
        print(
            "\n## Where PyTorch's own kernels round more\n\nPyTorch accumulates these in 16 bits. Tenon's result is off "
            "from PyTorch's by more than the tolerance, and within it of what PyTorch gives in 32 bits: "
            + ", ".join(f"`{entry}` ({dtype})" for entry, dtype in sorted(set(wide)))
            + "."
        )
    print("\n## What does not count\n")
    print("\n".join(grouped(left_out)))
    print("\nFiles PyTorch could not save, or saved so that they give something else in PyTorch itself:\n")
    print("\n".join(grouped(unsaved)))
    every_entry(results, others)
    return 0


if __name__ == "__main__":
    sys.exit(main())
