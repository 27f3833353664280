#!/usr/bin/env python3
"""Model families become engines of TensorRT-RTX: torchvision, timm and transformers, and silero-vad as its makers save it.

    families.py TENON [PATTERN...] [--kind KIND]     of keys such as 'timm/swin*' or 'silero-vad/*'; all where none is given

Needs the packages of tests/families/requirements.txt; closes with "N passed, N failed". Each kind of file in turn, where none
is named. Built without a GPU, in fp32 and fp16, with what tests/tensorrt/models.py looks at: the types of the parsed network and
the outputs of the ONNX model that TensorRT was given. Where these are too far off, PyTorch is asked: a model that magnifies rounding so
much that PyTorch's own outputs move as far passes without that comparison, and the line says how far that is.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import fnmatch
import importlib.util
import io
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "families"))

import torch  # noqa: E402

from models import PRECISIONS, build  # noqa: E402
from outputs import flatten_outputs  # noqa: E402
from sources import LIBRARIES, subjects  # noqa: E402
from sweep import SAVE_LIMIT_S, draw_weights, out_of_time, save, shapes_of  # noqa: E402

KINDS = ("traced", "scripted", "exported")
LIMITS = {"fp32": 1e-4, "fp16": 1e-2}  # of an output's largest magnitude: what `tenon build` holds outputs to


@dataclass(frozen=True)
class Made:
    """A file, or why PyTorch has none."""

    key: str
    path: Path | None = None
    why: str = ""
    options: tuple[str, ...] = ()
    model: torch.nn.Module | None = None
    inputs: tuple[torch.Tensor, ...] = ()


def moved(made: Made, precision: str) -> float:
    """How far PyTorch's own outputs are off in fp16 from those in fp32, or in fp32 from those in double precision, on noise such
    as `tenon build` draws; inf where they are not finite."""
    if made.model is None:
        return 0.0
    generator = torch.Generator().manual_seed(3)
    noise = [torch.randn(x.shape, generator=generator) if x.is_floating_point() else x for x in made.inputs]

    def outputs(dtype: torch.dtype) -> list[torch.Tensor]:
        model = copy.deepcopy(made.model).to(dtype)
        with torch.no_grad():
            return flatten_outputs(model(*(x.to(dtype) if x.is_floating_point() else x for x in noise)))

    narrow, wide = {"fp16": (torch.float16, torch.float32), "fp32": (torch.float32, torch.float64)}[precision]
    pairs = [(a.double(), b.double()) for a, b in zip(outputs(narrow), outputs(wide), strict=True) if b.is_floating_point() and b.numel()]
    offs = [float((a - b).abs().max() / b.abs().max().clamp_min(1e-30)) for a, b in pairs]
    return max((off if off == off else float("inf") for off in offs), default=0.0)


def judge(tenon: str, made: Made, precision: str) -> str:
    verdict = build(tenon, made.path, list(made.options), precision)
    if "in fp16 the outputs are too far" not in verdict and "does not compute what the model does" not in verdict:
        return verdict
    try:
        off = moved(made, precision)
    except Exception as error:  # noqa: BLE001  PyTorch lacks the operator in that precision
        return f"{verdict} (PyTorch: {type(error).__name__})"
    if off <= LIMITS[precision]:
        return verdict
    plain = build(tenon, made.path, list(made.options), precision, verify=False)
    return f"ok: {precision} moves PyTorch's outputs by {off:.0e}" if plain == "ok" else plain


def silero_files(folder: Path, matches: Callable[[str], bool]) -> Iterator[Made]:
    original = Path(importlib.util.find_spec("silero_vad").origin).parent / "data/silero_vad.jit"
    for rate, size in ((16000, 512), (8000, 256)):
        if matches(f"silero-vad/{rate}"):
            path = folder / "silero_vad.jit"
            path.write_bytes(original.read_bytes())
            yield Made(f"silero-vad/{rate}", path, options=("--set", f"sr={rate}", "--shapes", f"x:1x{size}"))


def files(folder: Path, matches: Callable[[str], bool], kind: str | None) -> Iterator[Made]:
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
                    save(model, inputs, way, path, subject.dynamic)
            except Exception as error:  # noqa: BLE001  whatever PyTorch raises is the reason
                yield Made(f"{subject.key} {way}", why=f"not saved: {type(error).__name__}")
                continue  # another kind of file
            finally:
                signal.alarm(0)
            shapes = shapes_of(path, [tensor.numpy() for tensor in inputs])
            yield Made(f"{subject.key} {way}", path, "", tuple(shapes), model, inputs)
            path.unlink()
            break
    yield from silero_files(folder, matches)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tenon")
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--kind", choices=KINDS)
    options = parser.parse_intermixed_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, out_of_time)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        patterns = options.patterns or ["*"]
        for made in files(Path(folder), lambda key: any(fnmatch.fnmatch(key, p) for p in patterns), options.kind):
            if made.path is None:
                print(f"{made.key}: {made.why}", flush=True)
                continue
            for precision in PRECISIONS:
                verdict = judge(options.tenon, made, precision)
                results.append(verdict.startswith("ok"))
                print(f"{made.key} {precision}: {verdict}", flush=True)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
