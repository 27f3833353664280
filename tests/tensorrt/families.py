#!/usr/bin/env python3
"""Model families become engines of TensorRT-RTX: torchvision, timm and transformers, and silero-vad as its makers save it.

    families.py TENON [--kind KIND] [PATTERN...]     of keys such as 'timm/swin*' or 'silero-vad/*'; all where none is given

Needs the packages of tests/families/requirements.txt; closes with "N passed, N failed". Each kind of file in turn, where none
is named. Built without a GPU, in fp32 and fp16, with what tests/tensorrt/models.py looks at: the types of the parsed network and
the outputs of the ONNX model that TensorRT was given.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import importlib.util
import io
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "families"))

import torch  # noqa: E402

from models import PRECISIONS, build  # noqa: E402
from sources import LIBRARIES, subjects  # noqa: E402
from sweep import SAVE_LIMIT_S, draw_weights, out_of_time, save, shapes_of  # noqa: E402

KINDS = ("traced", "scripted", "exported")


def silero_files(folder: Path, matches) -> Iterator[tuple[str, Path | str, list[str]]]:
    original = Path(importlib.util.find_spec("silero_vad").origin).parent / "data/silero_vad.jit"
    for rate, size in ((16000, 512), (8000, 256)):
        if matches(f"silero-vad/{rate}"):
            path = folder / "silero_vad.jit"
            path.write_bytes(original.read_bytes())
            yield f"silero-vad/{rate}", path, ["--set", f"sr={rate}", "--shapes", f"x:1x{size}"]


def files(folder: Path, matches, kind: str | None) -> Iterator[tuple[str, Path | str, list[str]]]:
    """Key, file (or why PyTorch has none) and options."""
    keyed = [subject for library in LIBRARIES for subject in subjects(library) if matches(subject.key)]
    for number, subject in enumerate(keyed):
        ways = [one for one in KINDS if one in subject.kinds and kind in (None, one)]
        for way in ways[number % len(ways) :] + ways[: number % len(ways)] if ways else ():
            path = folder / f"{way}{'.pt2' if way == 'exported' else '.pt'}"
            try:
                model, inputs = subject.build()
                draw_weights(model, inputs)
                signal.alarm(SAVE_LIMIT_S)
                with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                    save(model, inputs, way, path)
            except Exception as error:  # noqa: BLE001  whatever PyTorch raises is the reason
                yield f"{subject.key} {way}", f"not saved: {type(error).__name__}", []
                continue  # another kind of file
            finally:
                signal.alarm(0)
            yield f"{subject.key} {way}", path, shapes_of(path, [tensor.numpy() for tensor in inputs])
            path.unlink()
            break
    yield from silero_files(folder, matches)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tenon")
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--kind", choices=KINDS)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, out_of_time)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        patterns = options.patterns or ["*"]
        for key, path, words in files(Path(folder), lambda key: any(fnmatch.fnmatch(key, p) for p in patterns), options.kind):
            if isinstance(path, str):
                print(f"{key}: {path}", flush=True)
                continue
            for precision in PRECISIONS:
                verdict = build(options.tenon, path, words, precision)
                results.append(verdict.startswith("ok"))
                print(f"{key} {precision}: {verdict}", flush=True)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
