"""Files that hold no program: what each is must be said, the script that is printed for it must run as it stands, and
what the script makes must convert and compute what the model did.

usage: checkpoints.py TENON WORK_DIRECTORY [WORD...]

The packages that scripts import (ultralytics, transformers, safetensors) are stood in for by tests/dialects/standins.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

import numpy as np
import torch
from torch import nn

STANDINS = Path(__file__).resolve().parent / "standins"
sys.path.insert(0, str(STANDINS))
from safetensors.torch import save_file  # noqa: E402
from small import Small  # noqa: E402
from transformers import SmallTextModel  # noqa: E402
from ultralytics.tasks import DetectionModel  # noqa: E402


def randomised(kind: type) -> nn.Module:
    torch.manual_seed(0)
    module = kind()
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 1)
    return module.eval()


MODEL, TEXT = randomised(Small), randomised(SmallTextModel)
IMAGE = torch.randn(1, 2, 4, 5, generator=torch.Generator().manual_seed(1))
IDS = torch.arange(16).reshape(1, 16) % 5
CONFIG = json.dumps({"architectures": ["SmallTextModel"], "model_type": "small"})


def optimizer() -> torch.optim.Optimizer:
    model = randomised(Small).train()
    adam = torch.optim.Adam(model.parameters())
    model(IMAGE).sum().backward()
    adam.step()
    return adam


def lightning(path: Path) -> None:
    torch.save({"epoch": 1, "pytorch-lightning_version": "2.4.0", "state_dict": MODEL.state_dict(),
                "optimizer_states": [optimizer().state_dict()]}, path)


def package(path: Path) -> None:
    with torch.package.PackageExporter(str(path)) as exporter:
        exporter.extern("**")
        exporter.save_pickle("models.small", "model.pkl", MODEL)


def sharded(path: Path) -> None:
    weights = TEXT.state_dict()
    shards = {name: f"model-{i + 1:05}-of-{len(weights):05}.safetensors" for i, name in enumerate(weights)}
    for name, shard in shards.items():
        save_file({name: weights[name]}, path.parent / shard)
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": shards}))


def program() -> torch.export.ExportedProgram:
    return torch.export.export(MODEL, (IMAGE,))


class Case(NamedTuple):
    file: str
    what: str  # stands in the error
    make: Callable[[Path], None]
    arguments: List[str] = []
    model: nn.Module = MODEL
    example: torch.Tensor = IMAGE
    beside: Optional[str] = None  # a config.json


FACTORY = ["small:Small", "1x2x4x5"]
SHAPE = ["1x2x4x5"]
CASES = [
    Case("weights.pt", "state_dict", lambda p: torch.save(MODEL.state_dict(), p), FACTORY),
    Case("weights_legacy.pth", "state_dict",
         lambda p: torch.save(MODEL.state_dict(), p, _use_new_zipfile_serialization=False), FACTORY),
    Case("checkpoint.pth", "under ['model_state_dict']",
         lambda p: torch.save({"epoch": 3, "optimizer_state_dict": optimizer().state_dict(),
                               "model_state_dict": MODEL.state_dict()}, p), FACTORY),
    Case("nested.pth", "under ['run']['weights']",
         lambda p: torch.save({"run": {"step": 1, "weights": MODEL.state_dict()}}, p), FACTORY),
    Case("distributed.pth", "all under 'module.'",
         lambda p: torch.save({"model": {f"module.{k}": v for k, v in MODEL.state_dict().items()}}, p), FACTORY),
    Case("compiled.pth", "all under '_orig_mod.'",
         lambda p: torch.save(torch.compile(MODEL).state_dict(), p), FACTORY),
    Case("optimizer.pth", "the state of an optimizer", lambda p: torch.save(optimizer().state_dict(), p), FACTORY,
         model=None),
    Case("weights.safetensors", "safetensors", lambda p: save_file(MODEL.state_dict(), p), FACTORY),
    Case("lightning.ckpt", "Lightning", lightning, FACTORY),
    Case("yolo.pt", "Ultralytics",
         lambda p: torch.save({"epoch": -1, "model": randomised(DetectionModel), "ema": None}, p)),
    Case("module.pt", "pickled nn.Module", lambda p: torch.save(MODEL, p), SHAPE),
    Case("module_legacy.pt", "pickled nn.Module",
         lambda p: torch.save(MODEL, p, _use_new_zipfile_serialization=False), SHAPE),
    Case("module_in_dict.pt", "under ['model']", lambda p: torch.save({"epoch": 1, "model": MODEL}, p), SHAPE),
    Case("graph_module.pt", "torch.fx.GraphModule", lambda p: torch.save(torch.fx.symbolic_trace(MODEL), p), SHAPE),
    Case("pickled_program.pt", "exported program that torch.save pickled", lambda p: torch.save(program(), p)),
    Case("program_in_dict.pt", "under ['program']", lambda p: torch.save({"program": program()}, p)),
    Case("package.pt", "torch.package", package, SHAPE),
    Case("hf_bin/pytorch_model.bin", "Transformers", lambda p: torch.save(TEXT.state_dict(), p),
         model=TEXT, example=IDS, beside=CONFIG),
    Case("hf_safe/model.safetensors", "Transformers", lambda p: save_file(TEXT.state_dict(), p),
         model=TEXT, example=IDS, beside=CONFIG),
    Case("hf_sharded/model.safetensors.index.json", "Transformers", sharded, model=TEXT, example=IDS, beside=CONFIG),
]


def run(command: List[object], folder: Path) -> subprocess.CompletedProcess:
    environment = dict(os.environ, PYTHONPATH=str(STANDINS), PYTHONDONTWRITEBYTECODE="1", OMP_NUM_THREADS="1")
    return subprocess.run([str(c) for c in command], cwd=folder, env=environment, capture_output=True, text=True)


def check(tenon: str, case: Case, work: Path) -> Optional[str]:
    path = work / case.file
    path.parent.mkdir(parents=True, exist_ok=True)
    case.make(path)
    if case.beside:
        (path.parent / "config.json").write_text(case.beside)
    refused = run([tenon, "convert", case.file, "-o", "model.onnx"], work)
    if refused.returncode != 2 or case.what not in refused.stderr:
        return f"exit status {refused.returncode}: {refused.stderr}"
    if case.model is None:
        return None
    script = work / "save_program.py"
    script.write_text(refused.stderr.partition("by this Python script:\n\n")[2])
    made = run([sys.executable, "-W", "ignore", script, *case.arguments], work)
    if made.returncode != 0:
        return f"its script fails: {made.stderr}\n{script.read_text()}"
    (model,) = [p for p in work.iterdir() if ".program." in p.name or p.suffix == ".torchscript"]
    np.savez(work / "in.npz", input_0=case.example.numpy())
    for command in ([tenon, "convert", model, "-o", "model.onnx"],
                    [tenon, "run", "model.onnx", "--inputs", "in.npz", "-o", "out.npz"]):
        if (done := run(command, work)).returncode != 0:
            return f"what its script made: {done.stderr}"
    with torch.no_grad(), np.load(work / "out.npz") as data:
        want = case.model(case.example)
        want = (want["logits"] if isinstance(want, dict) else want).numpy()
        if not np.allclose(data[data.files[0]], want, rtol=1e-4, atol=1e-5):
            return "what its script made computes something else"
    return None


def main() -> int:
    tenon, root, words = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve(), sys.argv[3:]
    shutil.rmtree(root, ignore_errors=True)
    failed = 0
    cases = [c for c in CASES if not words or any(word in c.file for word in words)]
    for case in cases:
        why = check(tenon, case, root / case.file.replace("/", "_").replace(".", "_"))
        if why:
            print(f"{case.file}: {why}")
        failed += why is not None
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
