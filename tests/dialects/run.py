"""Files that older releases of PyTorch wrote, each converted and run; the outputs of that release are beside them.

usage: run.py TENON WORK_DIRECTORY [WORD...]     (only files whose path contains a word)
"""

import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

FILES = Path(__file__).resolve().parent / "files"
# How much an output may differ, relative to its largest value: kernels sum in other orders.
TOLERANCE = 1e-5
KINDS = {"float32": "f32", "int64": "i64"}


Values = Dict[str, np.ndarray]


def read_values(path: Path) -> List[Tuple[Values, List[np.ndarray]]]:
    """Sets of inputs by name, and their outputs; the file's keys are K/in/NAME and K/out/NUMBER."""
    sets: Dict[str, Tuple[Values, List[np.ndarray]]] = {}
    with np.load(path) as data:
        for key in data.files:
            k, kind, name = key.split("/")
            inputs, outputs = sets.setdefault(k, ({}, []))
            if kind == "in":
                inputs[name] = data[key]
            else:
                outputs.append(data[key])
    return list(sets.values())


def difference(got: List[np.ndarray], want: List[np.ndarray]) -> Optional[str]:
    if len(got) < len(want):
        return f"{len(got)} outputs, not {len(want)}"
    for i, (a, b) in enumerate(zip(got, want)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {i} is {a.dtype}{list(a.shape)}, not {b.dtype}{list(b.shape)}"
        error = float(np.abs(a.astype(np.float64) - b).max(initial=0)) / max(1e-30, float(np.abs(b).max(initial=0)))
        if not error <= TOLERANCE:
            return f"output {i} differs by {error:.2g}"
    return None


def run(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"exit status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def check(tenon: str, model: Path, work: Path) -> Optional[str]:
    for k, (inputs, outputs) in enumerate(read_values(Path(f"{model}.npz"))):
        given, result, onnx = work / "in.npz", work / "out.npz", work / "model.onnx"
        # Before PyTorch 2.4 an exported program did not know the names of its inputs.
        exported = model.suffix == ".pt2"
        np.savez(given, **{f"input_{i}" if exported else name: a for i, (name, a) in enumerate(inputs.items())})
        form = ",".join(f"{name}[{','.join(map(str, a.shape))}]:{KINDS[a.dtype.name]}" for name, a in inputs.items())
        shapes = [] if exported else ["--shapes", form]
        try:
            run(tenon, "convert", model, "-o", onnx, "-q", *shapes)
            for file, options in ((onnx, []), (model, shapes)):
                run(tenon, "run", file, "--inputs", given, "-o", result, "-q", *options)
                with np.load(result) as data:
                    # What a call leaves in the module comes after the results.
                    got = [data[name] for name in data.files]
                if why := difference(got, outputs):
                    return f"inputs {k}, {file.suffix}: {why}"
        except RuntimeError as error:
            return f"inputs {k}: {error}"
    return None


def main() -> int:
    tenon, work, words = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    work.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for values in sorted(FILES.glob("*/*.npz")):
        model = values.with_suffix("")
        name = f"{model.parent.name}/{model.name}"
        if words and not any(word in name for word in words):
            continue
        why = check(tenon, model, work)
        if why:
            print(f"{name}: {why}")
        passed, failed = passed + (why is None), failed + (why is not None)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
