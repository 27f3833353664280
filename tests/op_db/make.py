"""Writes the operator database as programs: ENTRY.SAMPLE.traced.pt and ENTRY.SAMPLE.exported.pt2, with ENTRY.SAMPLE.npz
beside them, and left_out.json, which says of each entry or file that is missing why it is. The npz holds input_0...,
output_0..., for random samples draw_0... instead (many draws of an output along a first axis), and for types of 16 bits
wide_0... beside them: what PyTorch gives in 32 bits, rounded once.

    make.py FOLDER [--dtype float32] [--pattern 'fft.*'] [--part K/N]
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy
import torch

from entries import LeftOut, Sample, entries, name_of, samples

TIME_LIMIT_S = 120  # for saving one file


def array(tensor: torch.Tensor) -> numpy.ndarray:
    """The tensor as it goes into an npz: complex numbers as a trailing axis of 2, bfloat16 as raw halves."""
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view("V2")
    return tensor.numpy()


def traced(sample: Sample, file: Path) -> None:
    program = torch.jit.trace(sample.module, tuple(t.clone() for t in sample.inputs), check_trace=False)
    torch.jit.save(program, str(file))
    confirm(sample, torch.jit.load(str(file)), "traced")


def exported(sample: Sample, file: Path) -> None:
    program = torch.export.export(sample.module, tuple(t.clone() for t in sample.inputs), strict=False)
    torch.export.save(program, str(file))
    confirm(sample, torch.export.load(str(file)).module(), "exported")


def confirm(sample: Sample, program: Any, kind: str) -> None:
    """The file must give in PyTorch itself what eager mode gave; of random results, the same forms."""
    results = program(*[t.clone() for t in sample.inputs])
    results = [results] if not isinstance(results, (tuple, list)) else list(results)
    results = [r if isinstance(r, torch.Tensor) else torch.tensor(r) for r in results]
    for got, want in zip(results, sample.outputs, strict=True):
        same = got.dtype == want.dtype and got.shape == want.shape
        if not same or not (sample.random or torch.allclose(got, want, 1e-4, 1e-5, equal_nan=True)):
            raise ValueError(f"the {kind} file gives another result in PyTorch itself")


def recorded(sample: Sample, dtype: torch.dtype) -> dict[str, numpy.ndarray]:
    arrays = {f"input_{i}": array(t) for i, t in enumerate(sample.inputs)}
    if sample.random:
        return arrays | {f"draw_{i}": array(t) for i, t in enumerate(sample.draws())}
    arrays |= {f"output_{i}": array(t) for i, t in enumerate(sample.outputs)}
    if dtype in (torch.float16, torch.bfloat16):
        arrays |= {f"wide_{i}": array(t) for i, t in enumerate(sample.wide())}
    return arrays


def out_of_time(*_: Any) -> None:
    raise TimeoutError(f"PyTorch took over {TIME_LIMIT_S} s to save it")


def write(entry: Any, dtype: torch.dtype, folder: Path) -> dict[str, str]:
    """Writes one entry's files and returns why files are missing, by file."""
    missing: dict[str, str] = {}
    name = name_of(entry)
    try:
        for number, sample in enumerate(samples(entry, dtype)):
            numpy.savez(folder / f"{name}.{number}.npz", **recorded(sample, dtype))
            for save, ending in ((traced, "traced.pt"), (exported, "exported.pt2")):
                file = folder / f"{name}.{number}.{ending}"
                signal.alarm(TIME_LIMIT_S)
                try:
                    with torch.no_grad():
                        save(sample, file)
                except Exception as error:  # whatever PyTorch raises is the reason
                    file.unlink(missing_ok=True)
                    missing[file.name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
                finally:
                    signal.alarm(0)
    except LeftOut as why:
        for file in folder.glob(f"{glob_escape(name)}.[0-9].*"):
            file.unlink()
        return {name: str(why)}
    except Exception as error:  # the entry's own samples do not run on this machine
        return {name: f"its samples fail in PyTorch itself: {type(error).__name__}: {str(error).splitlines()[0][:150]}"}
    return missing


def glob_escape(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--pattern", default="*")
    parser.add_argument("--part", default="1/1")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    dtype = getattr(torch, options.dtype)
    options.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGALRM, out_of_time)
    left_out: dict[str, str] = {}
    chosen = [entry for entry in entries(dtype) if fnmatch.fnmatch(name_of(entry), options.pattern)]
    for entry in chosen[part - 1 :: parts]:
        left_out |= write(entry, dtype, options.folder)
    report = options.folder / f"left_out.{part}.json"
    report.write_text(json.dumps(left_out, indent=1, sort_keys=True))
    print(f"{len(chosen[part - 1 :: parts])} entries, {len(left_out)} left out or not saved")
    return 0


if __name__ == "__main__":
    sys.exit(main())
