"""torchvision's detectors, scripted, with images of any size: converted once, then compared with PyTorch on images of two
sizes, in ONNX Runtime and in our engine.

    detectors.py FOLDER [PATTERN | --share]
"""

from __future__ import annotations

import fnmatch
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torchvision
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models"))

from randomise import randomise  # noqa: E402
from sources import image  # noqa: E402
from sweep import note, run_tenon  # noqa: E402

# Detectors give boxes in order of their scores: their heads are scaled so that scores differ.
DETECTORS = {
    "fasterrcnn_resnet50_fpn": {"box_score_thresh": 0.02},
    "fasterrcnn_resnet50_fpn_v2": {"box_score_thresh": 0.02},
    "fasterrcnn_mobilenet_v3_large_320_fpn": {"box_score_thresh": 0.02},
    "maskrcnn_resnet50_fpn": {"box_score_thresh": 0.02},
    "keypointrcnn_resnet50_fpn": {"box_score_thresh": 0.02},
    "retinanet_resnet50_fpn": {"score_thresh": 0.05},
    "ssd300_vgg16": {"score_thresh": 0.01},
    "ssdlite320_mobilenet_v3_large": {"score_thresh": 0.01},
    "fcos_resnet50_fpn": {"score_thresh": 0.05},
}
SHARE = ("fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large")
SIZES = ((320, 480), (256, 352))
TOLERANCE = 1e-3  # of the largest: of two hundred layers in single precision, exponentials at the end
FOUND = 0.97


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None, weights_backbone=None, **DETECTORS[name]).eval()
    randomise(model, ([picture(*SIZES[0])],), seed=1)
    with torch.no_grad():  # saturated scores are ties, whose order is nobody's
        for key, parameter in model.named_parameters():
            if key.startswith("head.classification_head") and key.endswith(("cls_logits.weight",)):
                parameter.mul_(0.7)
    return model


def picture(height: int, width: int, seed: int = 7) -> torch.Tensor:
    return torch.sigmoid(image(1, 3, height, width, seed=seed))[0]


def difference(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> str:
    """Empty where nearly all of PyTorch's detections are found, with what belongs to them.

    Detections come in order of their scores, and suppression depends on it: near ties change places, and a box at a
    threshold comes or goes. So each detection is looked for anywhere in the other list.
    """
    for name, b in want.items():
        a = got.get(name)
        if a is None or a.shape[1:] != b.shape[1:] or abs(len(a) - len(b)) > (1 - FOUND) * len(b):
            return f"{name} is {None if a is None else list(a.shape)} instead of {list(b.shape)}"
    limit_px, limit_score = TOLERANCE * np.abs(want["boxes"]).max(), TOLERANCE * want["scores"].max()
    found = 0
    for i in range(len(want["boxes"])):
        same = (
            (got["labels"] == want["labels"][i])
            & (np.abs(got["scores"] - want["scores"][i]) <= limit_score)
            & (np.abs(got["boxes"] - want["boxes"][i]) <= limit_px).all(axis=1)
        )
        found += any(belongs(got, want, i, j) for j in np.flatnonzero(same))
    return "" if found >= FOUND * len(want["boxes"]) else f"{found} of {len(want['boxes'])} detections are found"


def belongs(got: dict[str, np.ndarray], want: dict[str, np.ndarray], i: int, j: int) -> bool:
    """Whether masks and key points agree as well; of the latter, places of maxima, near ties may jump."""
    if "masks" in want and np.abs(got["masks"][j] - want["masks"][i]).max() > 100 * TOLERANCE:
        return False
    if "keypoints" in want:
        off = np.abs(got["keypoints"][j] - want["keypoints"][i]).max(axis=-1)
        return bool((off <= 100 * TOLERANCE * np.abs(want["keypoints"]).max()).mean() >= 0.8)
    return True


def check(name: str, folder: Path) -> str:
    model = torch.jit.script(build(name))
    file, onnx_file = folder / f"{name}.pt", folder / f"{name}.onnx"
    torch.jit.save(model, str(file))
    start = time.perf_counter()
    words = ("convert", file, "-o", onnx_file, "--opset", "18", "--shapes", "images_0[3,h=64..1333,w=64..1333]")
    if why := run_tenon(*words):
        return why
    seconds = time.perf_counter() - start
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(str(onnx_file), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    counts = []
    for size in SIZES:
        x = picture(*size)
        with torch.no_grad():
            want = {key: value.numpy() for key, value in model([x])[1][0].items()}
        counts.append(str(len(want["boxes"])))
        if not len(want["boxes"]):
            return "FAIL no box comes through: the check proves nothing"
        if why := difference(dict(zip(names, session.run(None, {"images_0": x.numpy()}), strict=True)), want):
            return f"FAIL ONNX Runtime, {size[0]}x{size[1]}: {why}"
        inputs, outputs = folder / "in.npz", folder / "out.npz"
        np.savez(inputs, images_0=x.numpy())
        if why := run_tenon("run", onnx_file, "--inputs", inputs, "-o", outputs):
            return f"FAIL run: {why}"
        with np.load(outputs) as arrays:
            if why := difference({key: arrays[key] for key in arrays.files}, want):
                return f"FAIL our engine, {size[0]}x{size[1]}: {why}"
    return f"PASS converted in {seconds:.2f} s, {' and '.join(counts)} boxes"


def main() -> int:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    pattern = sys.argv[2] if len(sys.argv) > 2 else "*"
    chosen = [n for n in DETECTORS if (n in SHARE if pattern == "--share" else fnmatch.fnmatch(n, pattern))]
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    passed = 0
    for name in chosen:
        with tempfile.TemporaryDirectory() as scratch:
            verdict = check(name, Path(scratch))
        note(Path(sys.argv[1]), "torchvision", f"torchvision/detection/{name}", {"scripted": verdict})
        print(f"{name}: {verdict}", flush=True)
        passed += verdict.startswith("PASS")
    print(f"{passed} passed, {len(chosen) - passed} failed")
    return 0 if passed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
