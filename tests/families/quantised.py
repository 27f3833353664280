#!/usr/bin/env python3
"""torchvision's quantised models, traced and scripted, against PyTorch: run by tenon, and in ONNX Runtime.

    quantised.py TENON FOLDER [NAME...] [--engine x86|fbgemm|onednn|qnnpack]

Each model is made with random weights, sees a few batches in training mode so that its statistics are sensible, is
calibrated with noise, and quantised after training. PyTorch computes with integers what is computed with floats here:
a value in the middle between two steps may come out one step away, and such steps add up over a deep network that was
never trained. An output may be off by a tenth of its largest magnitude. Closes with a line "N passed, N failed".
"""

import argparse
import pathlib
import subprocess
import sys
import warnings

import numpy
import onnxruntime
import torch
from torch.ao.quantization import convert, get_default_qconfig, prepare
from torchvision.models import quantization

from sweep import note

warnings.filterwarnings("ignore")

SIZES = {"inception_v3": 128}  # of images; others: 96
OPTIONS = {"googlenet": {"aux_logits": False, "init_weights": False}, "inception_v3": {"aux_logits": False, "init_weights": False}}
NAMES = [
    "googlenet",
    "inception_v3",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "resnet18",
    "resnet50",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
]


@torch.no_grad()
def make(name, engine):
    """The quantised model and an image for it."""
    torch.manual_seed(0)
    size = SIZES.get(name, 96)
    model = getattr(quantization, name)(weights=None, quantize=False, **OPTIONS.get(name, {})).train()
    for _ in range(3):
        model(torch.randn(4, 3, size, size))
    model.eval().fuse_model(is_qat=False)
    model.qconfig = get_default_qconfig(engine)
    prepare(model, inplace=True)
    for _ in range(2):
        model(torch.randn(4, 3, size, size))
    return convert(model, inplace=True), torch.randn(1, 3, size, size)


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr.strip().splitlines()[0]


def off(found, wanted):
    """The largest error as a share of the largest magnitude."""
    return float(numpy.abs(found - wanted).max() / numpy.abs(wanted).max())


def check(tenon, file, shape, wanted):
    """What is wrong, or how far tenon and ONNX Runtime are off."""
    inputs, outputs, onnx = file.with_suffix(".in.npz"), file.with_suffix(".out.npz"), file.with_suffix(".onnx")
    shapes = ["--shapes", "input_0:" + "x".join(map(str, shape))]
    if failed := run([tenon, "run", file, "--inputs", inputs, "-o", outputs, *shapes]):
        return failed, None
    if failed := run([tenon, "convert", file, "-o", onnx, *shapes]):
        return failed, None
    with numpy.load(outputs) as found:
        errors = [off(found[found.files[0]], wanted)]
    session = onnxruntime.InferenceSession(str(onnx))
    with numpy.load(inputs) as given:
        errors.append(off(session.run(None, {session.get_inputs()[0].name: given["input_0"]})[0], wanted))
    return None, errors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tenon")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--engine", default="x86")
    given = parser.parse_args()
    torch.backends.quantized.engine = given.engine
    given.folder.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for name in given.names:
        model, image = make(name, given.engine)
        with torch.no_grad():
            wanted = model(image).numpy()
            programs = {"traced": torch.jit.trace(model, image, check_trace=False), "scripted": torch.jit.script(model)}
        for kind, program in programs.items():
            file = given.folder / f"{name}.{kind}.pt"
            torch.jit.save(program, str(file))
            numpy.savez(file.with_suffix(".in.npz"), input_0=image.numpy())
            wrong, errors = check(given.tenon, file, image.shape, wanted)
            good = wrong is None and max(errors) <= 0.1
            passed, failed = passed + good, failed + (not good)
            said = wrong or "tenon {:.3f}, ONNX Runtime {:.3f} of the largest magnitude".format(*errors)
            verdict = f"{'PASS' if good else 'FAIL'} {said}"
            note(given.folder, "torchvision", f"torchvision/quantised/{name}", {kind: verdict})
            print(f"{file.name}: {verdict}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
