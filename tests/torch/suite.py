"""What the suites of converted programs share: comparing outputs, running a model in ONNX Runtime and by tenon, the closing line."""

import subprocess
from pathlib import Path
from typing import Iterable, List, Optional, Tuple, Union

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor


def flatten(value) -> List[np.ndarray]:
    if isinstance(value, Tensor):
        return [(torch.view_as_real(value.resolve_conj()) if value.is_complex() else value).numpy()]
    if isinstance(value, dict):
        return [a for v in value.values() for a in flatten(v)]
    if isinstance(value, (list, tuple)):
        return [a for v in value for a in flatten(v)]
    return [np.asarray(value)]


def close(got: List[np.ndarray], want: List[np.ndarray]) -> Optional[str]:
    if len(got) != len(want):
        return f"{len(got)} outputs, not {len(want)}"
    for i, (a, b) in enumerate(zip(got, want)):
        if a.shape != b.shape:
            return f"output {i} has shape {a.shape}, not {b.shape}"
        if not np.allclose(a, b, rtol=0, atol=1e-5 * max(1.0, float(np.abs(b).max(initial=0)))):
            return f"output {i} differs:\n{a}\n{b}"
    return None


def run_tenon(tenon: str, model: Path, names: List[str], inputs: Iterable[Tensor], work: Path) -> List[np.ndarray]:
    given, result = work / "in.npz", work / "out.npz"
    np.savez(given, **{n: t.numpy() for n, t in zip(names, inputs)})
    subprocess.run([tenon, "run", str(model), "--inputs", str(given), "-o", str(result), "-q"], check=True, capture_output=True, text=True)
    with np.load(result) as data:
        return [data[k] for k in data.files]


def session_of(model: Path) -> onnxruntime.InferenceSession:
    """The model in ONNX Runtime, after ONNX's own check."""
    onnx.checker.check_model(str(model), full_check=True)
    return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])


def differences(
    tenon: str, model: Path, session: onnxruntime.InferenceSession, names: List[str], inputs: List[Tensor],
    want: List[np.ndarray], work: Path,
) -> List[str]:
    """How the model's outputs differ, in ONNX Runtime and in tenon's engine."""
    found = []
    if why := close(session.run(None, {n: t.numpy() for n, t in zip(names, inputs)}), want):
        found.append(f"ONNX Runtime: {why}")
    try:
        if why := close(run_tenon(tenon, model, names, inputs, work), want):
            found.append(f"tenon: {why}")
    except subprocess.CalledProcessError as error:
        found.append(f"tenon run: {error.stderr.strip()}")
    return found


def report(results: Iterable[Tuple[str, Union[None, str, List[str]]]]) -> int:
    """Prints what failed of each named case, and the closing line; the exit status."""
    passed = failed = 0
    for name, found in results:
        for why in [found] if isinstance(found, str) else found or []:
            print(f"{name}: {why}", flush=True)
        passed, failed = passed + (not found), failed + bool(found)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
