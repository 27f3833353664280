#!/usr/bin/env python3
"""Every model of the table, in every kind of file, static and with a dynamic batch, becomes an engine of TensorRT-RTX.

    models.py TENON [--share] [--write docs/tensorrt-models.md] [MODEL...]

Needs no GPU: engines are built and the parsed network's types are verified layer by layer; of the traced files, the
ONNX model that TensorRT was given is also run by Tenon's engine and compared. The engine itself is not run. --share takes one kind of file
for each model, in turn. TENON_RTX_PYTHON names an interpreter that has the module (this one, where it is not set).
Closes with a line "N passed, N failed".
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models"))

import torch  # noqa: E402

import zoo  # noqa: E402
from files import BATCH_RANGE, DYNAMIC_KINDS, STATIC_KINDS, WRITERS  # noqa: E402

PRECISIONS = ("fp32", "fp16")
PYTHON = os.environ.get("TENON_RTX_PYTHON", sys.executable)
TIME_LIMIT_S = 600


def profile(shape: tuple[int, ...], name: str) -> list[str]:
    """Batch 1, best at 4, up to 8."""
    rest = "x".join(map(str, shape[1:]))
    low, high = BATCH_RANGE
    return [f"--{which}-shapes={name}:{batch}x{rest}" for which, batch in (("min", low), ("opt", 4), ("max", high))]


def build(tenon: str, file: Path, shapes: list[str], precision: str, verify: bool = True) -> str:
    """What there is to say of the engine; starts with "ok" where all is well."""
    engine = file.parent / "model.engine"
    words = [tenon, "build", file, "-o", engine, "--target", "tensorrt-rtx", "--python", PYTHON, "--json", "--rebuild"]
    words += [] if verify else ["--no-verify"]
    ran = subprocess.run([*map(str, words), f"--precision={precision}", *shapes], capture_output=True, text=True,
                         timeout=TIME_LIMIT_S, check=False)  # fmt: skip
    if ran.returncode != 0:
        return f"status {ran.returncode}: {' '.join(ran.stderr.split())[:400]}"
    about = json.loads(ran.stdout)
    counts = dict(reversed(pair.split(" ")) for pair in re.findall(r"\d+ (?:f|i|u|b)\w+", about["types"]))
    if precision == "fp16" and not int(counts.get("f16", 0)) > int(counts.get("f32", 0)):
        return f"the network is not in fp16: {about['types']}"
    if not verify:
        return "ok"
    verified = about["verified_outputs"]
    if verified["verdict"] != "ok":
        return f"outputs {verified['verdict']}"
    worst = max(output["relative_error"] for sizes in verified["sizes"] for output in sizes["outputs"])
    return f"ok {worst:.0e}"


def sweep(tenon: str, family: zoo.Family, cases: list[tuple[str, bool]], folder: Path) -> dict[tuple[str, bool, str], str]:
    """The verdicts of a model's files."""
    model, inputs = zoo.build(family), zoo.inputs_for(family, family.input_shape[0], seed=7)
    found: dict[tuple[str, bool, str], str] = {}
    for kind in sorted({kind for kind, _ in cases}):
        file = folder / kind
        try:
            with torch.no_grad():
                names = WRITERS[kind](model, inputs, file)
        except Exception as error:  # noqa: BLE001  PyTorch's reason for not making this file
            for this, dynamic in cases:
                if this == kind:
                    found |= {(kind, dynamic, p): f"not saved: {str(error).splitlines()[0]}" for p in PRECISIONS}
            continue
        for this, dynamic in cases:
            if this != kind:
                continue
            static = [] if kind.endswith(".pt2") else [f"--shapes={names[0]}:" + "x".join(map(str, family.input_shape))]
            for precision in PRECISIONS:
                shapes = profile(family.input_shape, names[0]) if dynamic else static
                found[kind, dynamic, precision] = build(tenon, file, shapes, precision, kind == "traced.pt")
                print(f"{family.name}/{kind}{' dynamic' if dynamic else ''} {precision}: {found[kind, dynamic, precision]}", flush=True)  # fmt: skip
        file.unlink()
    return found


def table(results: dict[str, dict[tuple[str, bool, str], str]]) -> str:
    columns = [(kind, False) for kind in STATIC_KINDS] + [(kind, True) for kind in DYNAMIC_KINDS]
    lines = [
        "# Models as TensorRT engines",
        "",
        "<!-- Written by tests/tensorrt/models.py -->",
        "",
        "Each file becomes an engine of TensorRT-RTX 1.7.1, built without a GPU: static at its own size, dynamic with batch "
        "1 to 8, best at 4. The types of the parsed network are verified tensor by tensor against the model's. Of traced files the "
        "ONNX model that TensorRT was given is run by Tenon's engine and compared with the fp32 model: the figure is the "
        "largest error as a share of the largest magnitude (limits: fp32 1e-4, fp16 1e-2). The engines themselves were not run.",
        "",
    ]
    for precision in PRECISIONS:
        head = [f"{kind.split('.')[0].split('_')[0]}{', dynamic' if dynamic else ''}" for kind, dynamic in columns]
        lines += [f"## {precision}", "", "| model | " + " | ".join(head) + " |", "| --- |" + " --- |" * len(columns)]
        for model, found in results.items():
            cells = [found.get((kind, dynamic, precision), "") for kind, dynamic in columns]
            lines.append(f"| {model} | " + " | ".join(c.removeprefix("ok ") for c in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tenon")
    parser.add_argument("--share", action="store_true")
    parser.add_argument("--write", type=Path)
    parser.add_argument("models", nargs="*")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    families = [zoo.find(name) for name in options.models] or list(zoo.FAMILIES)
    columns = [(kind, False) for kind in STATIC_KINDS] + [(kind, True) for kind in DYNAMIC_KINDS]
    results = {}
    for index, family in enumerate(families):
        cases = [columns[(index * 5 + 3) % len(columns)]] if options.share else columns
        with tempfile.TemporaryDirectory() as folder:
            results[family.name] = sweep(options.tenon, family, cases, Path(folder))
        if options.write:
            options.write.write_text(table(results))
    verdicts = [verdict for found in results.values() for verdict in found.values()]
    failed = sum(not verdict.startswith(("ok", "not saved")) for verdict in verdicts)
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
