#!/usr/bin/env python3
"""Language models of transformers, exported, and silero-vad as its makers save it become engines of TensorRT-RTX.

    families.py TENON [PATTERN]     needs the packages of tests/families/requirements.txt; closes with "N passed, N failed"

Built without a GPU, in fp32 and fp16, with what tests/tensorrt/models.py looks at.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "families"))

import torch  # noqa: E402

from models import PRECISIONS, build  # noqa: E402
from sources import transformers_subjects  # noqa: E402

NAMES = ("bert", "distilbert", "gpt2", "gpt2 with cache", "llama", "qwen")


def files(folder: Path, pattern: str) -> Iterator[tuple[str, Path, list[str]]]:
    """Name, file and options."""
    for subject in transformers_subjects():
        if subject.name in NAMES and fnmatch.fnmatch(subject.name, pattern):
            model, inputs = subject.build()
            path = folder / "model.pt2"
            with torch.no_grad():
                torch.export.save(torch.export.export(model.eval(), inputs, strict=False), str(path))
            yield subject.name, path, []
    silero = Path(importlib.util.find_spec("silero_vad").origin).parent / "data/silero_vad.jit"
    for rate, size in ((16000, 512), (8000, 256)):
        if fnmatch.fnmatch(f"silero-vad {rate}", pattern):
            path = folder / "silero_vad.jit"
            path.write_bytes(silero.read_bytes())
            yield f"silero-vad {rate}", path, ["--set", f"sr={rate}", "--shapes", f"x:1x{size}"]


def main() -> int:
    warnings.filterwarnings("ignore")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name, path, options in files(Path(folder), sys.argv[2] if len(sys.argv) > 2 else "*"):
            for precision in PRECISIONS:
                verdict = build(sys.argv[1], path, options, precision)
                results.append(verdict.startswith("ok"))
                print(f"{name} {precision}: {verdict}", flush=True)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
