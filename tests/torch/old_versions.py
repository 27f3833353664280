"""TorchScript archives of versions 1 to 10. Operators whose meaning changed, in files restamped with an older version;
PyTorch, which loads them with its own upgraders, is the oracle. Files saved in half precision, on a GPU, in training mode.

usage: old_versions.py TENON WORK_DIRECTORY
"""

import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from suite import close, flatten, report, run_tenon


class Divides(nn.Module):
    def forward(self, x: Tensor, n: Tensor):
        y = n.clone()
        z = x.clone()
        z /= 2
        return (n / 2, n / torch.tensor([2, 3, -2, -5]), x / 2, n / 2.5, x / n, torch.div(n, 3, rounding_mode="floor"),
                torch.div(n, torch.tensor(-2)), y.div(4), z)


class DividesInto(nn.Module):
    def forward(self, x: Tensor, n: Tensor):
        d = torch.tensor([2, 3, -2, -5])
        floats, integers = torch.empty([4]), torch.empty([4], dtype=torch.int64)
        torch.div(n, d, out=floats)
        torch.div(n, d, rounding_mode="trunc", out=integers)
        return floats, integers


class DividesInPlace(nn.Module):
    def forward(self, x: Tensor, n: Tensor):
        x = x.clone()
        x.div_(3)
        x.div_(torch.tensor(2.0))
        return x, n.size(0) / 3, 7 // 2


class Fills(nn.Module):
    def forward(self, x: Tensor, n: Tensor):
        return torch.full([2, 3], 7), torch.full([2], True), torch.full([2], 7, dtype=torch.int32), torch.full([2], 1.5)


class Steps(nn.Module):
    def forward(self, x: Tensor, n: Tensor):
        return torch.linspace(0.0, 1.0, 5) + x.sum(), torch.logspace(0.0, 1.0, 5), torch.linspace(0.0, 1.0, 7)


class Gelus(nn.Module):
    def forward(self, x: Tensor, n: Tensor):
        return nn.functional.gelu(x)


class Spelled(nn.Module):
    def forward(self, x: Tensor, n: Tensor):
        return torch.relu(x)


# Calls as older releases wrote them, with arguments that have since been added, left out or given defaults.
SPELLINGS = [
    "torch._convolution(IMAGE, torch.ones([2, 1, 3, 3]), None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, False, False, True)",
    "torch._convolution(IMAGE, torch.ones([2, 1, 3, 3]), None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, False, False, True, True)",
    "torch.upsample_bilinear2d(IMAGE, [4, 6], False)",
    "torch.upsample_bilinear2d(IMAGE, [4, 4], False, 2., 2.)",
    "torch.upsample_nearest2d(IMAGE, [4, 4])",
    "torch.upsample_nearest2d(IMAGE, [4, 4], 2., 2.)",
    "torch.upsample_bicubic2d(IMAGE, [5, 3], True)",
    'torch.__interpolate(IMAGE, [4, 4], None, "bilinear", False)',
    'torch.__interpolate(IMAGE, None, 2.0, "bilinear", False, True)',
    "torch.embedding(torch.t(x), torch.tensor([1, 2]), -1, False, False)",
    "torch.addmm(torch.ones([1]), x, torch.t(x), beta=1, alpha=1)",
    "torch.batch_norm(IMAGE, torch.ones([1]), torch.zeros([1]), torch.zeros([1]), torch.ones([1]), False, 0.1, 1e-5, True)",
    "torch.layer_norm(x, [4], torch.ones([4]), torch.zeros([4]), 1e-5, True)",
    "torch.softmax(x, 1, None)",
    "torch.slice(x, 1)",
    "torch.norm(x, 2)",
    "torch.norm(x, 2, [1], True)",
    "torch.std(x, [1], True, False)",
    "torch.var(x, True)",
    "torch.mean(x, [1], False, dtype=None)",
    "x.to(6, False, False)",
    'x.to("cpu", 6, False, False)',
    "torch.arange(0, 5, dtype=6, layout=0, device=torch.device('cpu'), pin_memory=False)",
    "torch.ones_like(x, dtype=6, layout=0, device=torch.device('cpu'), pin_memory=False, memory_format=0)",
    "torch.rsub(x, 1, 1)",
    "torch.true_divide(x, 2)",
    "torch.avg_pool2d(IMAGE, [2, 2], [2, 2], [0, 0], False, True, None)",
    "torch.topk(x, 2, 1, True, True)[0]",
    "torch.constant_pad_nd(x, [1, 1], 0)",
]
IMAGE = "torch.view(x, [1, 1, 2, 2])"

# The module, and what is changed in its code: what today's scripting cannot write.
CASES: List[Tuple[nn.Module, Optional[Tuple[str, str]]]] = [
    (Divides(), None),
    (DividesInto(), None),
    (DividesInPlace(), None),
    (Fills(), None),
    (Steps(), None),
    (Steps(), ("space(0., 1., 5", "space(0., 1., None")),
    (Gelus(), None),
    (Gelus(), (', approximate="none"', "")),
]
X = torch.tensor([[1.0, -2.0, 3.0, 0.5]])
N = torch.tensor([7, -7, 5, 9])


def restamp(source: Path, target: Path, version: int, change: Optional[Tuple[str, str]] = None) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("/version") or name.endswith("/.data/version"):
                data = f"{version}\n".encode()
            if change and name.endswith(".py"):
                data = data.replace(change[0].encode(), change[1].encode())
            if not name.endswith(".debug_pkl"):
                new.writestr(name, data)


def check_version(tenon: str, module: nn.Module, change: Optional[Tuple[str, str]], version: int, work: Path) -> Optional[str]:
    source, target = work / "now.pt", work / f"{type(module).__name__}_{version}.pt"
    torch.jit.script(module.eval()).save(str(source))
    restamp(source, target, version, change)
    try:
        want = flatten(torch.jit.load(str(target))(X, N))
    except RuntimeError as error:
        # PyTorch refuses it: Tenon may, or may take it.
        return None if change and not isinstance(module, Spelled) else f"PyTorch: {str(error)[:200]}"
    try:
        return close(run_tenon_with_shapes(tenon, target, work), want)
    except subprocess.CalledProcessError as error:
        return error.stderr.strip()


def run_tenon_with_shapes(tenon: str, model: Path, work: Path) -> List[np.ndarray]:
    onnx = work / "model.onnx"
    subprocess.run([tenon, "convert", str(model), "-o", str(onnx), "--shapes", "x[1,4],n[4]:i64", "-q"], check=True, capture_output=True, text=True)
    return run_tenon(tenon, onnx, ["x", "n"], (X, N), work)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        nn.init.normal_(self.norm.running_mean)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(torch.relu(self.norm(self.conv(x)))).mean((2, 3)))


def on_cuda(source: Path, target: Path) -> None:
    """The file as torch.save writes it on a GPU: its tensors' location, and the devices in its code."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".pkl"):
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            if name.endswith(".py"):
                data = data.replace(b'torch.device("cpu")', b'torch.device("cuda:0")')
            if not name.endswith(".debug_pkl"):
                new.writestr(name, data)


def check_net(tenon: str, kind: str, work: Path) -> Optional[str]:
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    net, file, notice = Net().eval(), work / f"{kind.replace(' ', '_')}.pt", ""
    dtype = torch.float16 if "half" in kind else torch.bfloat16 if "bfloat16" in kind else torch.float32
    x = x.to(dtype)
    net.to(dtype)
    if "training" in kind:
        net.train()
        notice = "saved in training mode"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "scripted" in kind:
            torch.jit.script(net).save(str(file))
        elif "traced" in kind:
            torch.jit.trace(net, x, check_trace=False).save(str(file))
        else:
            file = file.with_suffix(".pt2")
            torch.export.save(torch.export.export(net, (x,)), str(file))
    with torch.no_grad():
        want = net.eval()(x)  # after tracing, which in training mode moves the running statistics
    if "cuda" in kind:
        moved = file.with_name("moved_" + file.name)
        on_cuda(file, moved)
        file = moved
    given, result = work / "in.npz", work / "out.npz"
    form = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}[dtype]
    shapes = ["--shapes", f"x[2,3,16,16]:{form}"] if "scripted" in kind else []
    done = subprocess.run([tenon, "convert", str(file), "-o", str(work / "net.onnx"), "--json", *shapes], capture_output=True, text=True)
    if done.returncode != 0:
        return done.stderr
    if notice not in done.stdout:
        return f"no notice: {done.stdout}"
    if dtype == torch.bfloat16:  # which NumPy does not have
        return None if f'"dtype": "{form}"' in done.stdout else f"no {form} input: {done.stdout}"
    np.savez(given, x=x.numpy())
    done = subprocess.run([tenon, "run", str(work / "net.onnx"), "--inputs", str(given), "-o", str(result), "-q"], capture_output=True, text=True)
    if done.returncode != 0:
        return done.stderr
    with np.load(result) as data:
        got = data[data.files[0]]
    if got.dtype != want.numpy().dtype:
        return f"type {got.dtype}"
    error = float(np.abs(got.astype(np.float32) - want.float().numpy()).max()) / float(want.abs().max())
    return None if error < (1e-2 if dtype != torch.float32 else 1e-5) else f"differs by {error}"


NETS = [f"{kind} {how}" for kind in ("scripted", "traced", "exported") for how in ("float", "half", "bfloat16", "training", "cuda")]
NETS.remove("exported cuda")  # its devices are in a JSON that no GPU-less PyTorch can check; a scripted file says as much


def results(tenon: str, work: Path) -> Iterator[Tuple[str, Optional[str]]]:
    for module, change in CASES:
        for version in range(1, 11):
            name = f"{type(module).__name__} version {version}{' changed' if change else ''}"
            yield name, check_version(tenon, module, change, version, work)
    for spelling in SPELLINGS:
        yield spelling, check_version(tenon, Spelled(), ("torch.relu(x)", spelling.replace("IMAGE", IMAGE)), 3, work)
    for kind in NETS:
        yield kind, check_net(tenon, kind, work)


def main() -> int:
    tenon, work = sys.argv[1], Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    return report(results(tenon, work))


if __name__ == "__main__":
    sys.exit(main())
