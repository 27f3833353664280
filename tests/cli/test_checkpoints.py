"""Files that hold weights and no program: what they are is said, and the script that is printed makes a file that converts."""

from __future__ import annotations

import subprocess
import sys
import unittest
import warnings
import zipfile
from pathlib import Path

import torch
from torch import nn

from fixtures import scratch
from program import BAD, ProgramTest

SOURCES = {
    "tiny.py": """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return torch.relu(self.fc(x))

    @classmethod
    def load_from_checkpoint(cls, path, map_location=None):
        model = cls()
        model.load_state_dict(torch.load(path, map_location=map_location)["state_dict"])
        return model
""",
    "ultralytics/__init__.py": """
import torch

class YOLO:
    def __init__(self, path):
        self.path = path

    def export(self, format):
        model = torch.load(self.path, weights_only=False)["model"]
        torch.jit.trace(model.eval(), torch.randn(2, 4)).save(self.path.replace(".pt", "." + format))
""",
    "ultralytics/nn/__init__.py": "",
    "ultralytics/nn/tasks.py": """
import tiny

class DetectionModel(tiny.Net):
    pass
""",
}


def folder() -> Path:
    """A folder with the modules that the scripts import."""
    out = scratch() / "checkpoints"
    for name, text in SOURCES.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if str(out) not in sys.path:
        sys.path.insert(0, str(out))
    return out


class Scripts(ProgramTest):
    def follow(self, path: Path, says: str, arguments: tuple[str, ...], made: str | None = None, shapes: str = "") -> None:
        """Runs the script that the refusal prints, as a user would, and converts what it makes."""
        said = self.assert_refused(BAD, "convert", path, "-o", scratch() / "checkpoint.onnx", mentions=(says,))
        script = said.split("by this Python script:\n\n", 1)[1]
        file = path.parent / f"script_{path.name}.py"
        file.write_text(script)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", file.name, *arguments], cwd=path.parent, capture_output=True, text=True,
            env={"PYTHONPATH": str(folder()), "PATH": "/usr/bin:/bin", "HOME": str(scratch())},
        )
        self.assertEqual(done.returncode, 0, done.stderr + script)
        program = path.parent / (made or f"{path.name.rsplit('.', 1)[0]}.program.pt2")
        self.assert_done("convert", program, "-o", scratch() / "checkpoint.onnx", *(("--shapes", shapes) if shapes else ()))

    def test_state_dicts(self) -> None:
        import tiny  # noqa: F401  put on the path by folder()

        state = tiny.Net().state_dict()
        parallel = {f"module.{name}": tensor for name, tensor in state.items()}
        for name, saved, options in (
            ("plain.pt", state, {}),
            ("older.pth", state, {"_use_new_zipfile_serialization": False}),
            ("parallel.pt", parallel, {}),
            ("training.pt", {"epoch": 3, "model_state_dict": parallel, "optimizer": {"lr": 0.1}}, {}),
            ("nested.bin", {"state_dict": state, "step": 7}, {}),
        ):
            with self.subTest(name):
                path = folder() / name
                torch.save(saved, path, **options)
                self.follow(path, "state_dict", ("tiny:Net", "2x4"))

    def test_safetensors(self) -> None:
        from safetensors.torch import save_file

        import tiny

        path = folder() / "weights.safetensors"
        save_file(tiny.Net().state_dict(), str(path))
        self.follow(path, "safetensors", ("tiny:Net", "2x4"))

    def test_pickled_modules(self) -> None:
        import tiny

        for name, options in (("module.pt", {}), ("module_older.pt", {"_use_new_zipfile_serialization": False})):
            with self.subTest(name):
                path = folder() / name
                torch.save(tiny.Net(), path, **options)
                self.follow(path, "pickled nn.Module", ("2x4",))

    def test_lightning(self) -> None:
        import tiny

        path = folder() / "epoch=3.ckpt"
        torch.save({"epoch": 3, "pytorch-lightning_version": "2.5.0", "state_dict": tiny.Net().state_dict(), "callbacks": {}}, path)
        self.follow(path, "PyTorch Lightning", ("tiny:Net", "2x4"))

    def test_ultralytics(self) -> None:
        folder()
        from ultralytics.nn.tasks import DetectionModel

        path = folder() / "yolo.pt"
        torch.save({"epoch": -1, "model": DetectionModel(), "date": "2026"}, path)
        self.follow(path, "Ultralytics", (), "yolo.torchscript")

    def test_exported_programs_of_torch_save(self) -> None:
        import tiny

        path = folder() / "exported.pt"
        torch.save(torch.export.export(tiny.Net().eval(), (torch.ones(2, 4),)), path)
        self.follow(path, "torch.save pickled", ())

    def test_flatbuffers_of_the_lite_interpreter(self) -> None:
        import tiny

        path = folder() / "flat.ptl"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.script(tiny.Net())._c._save_for_mobile(str(path), {}, False, True)
        self.follow(path, "FlatBuffers", (), "flat.program.pt", "x:2x4")

    def test_kinds_that_are_named(self) -> None:
        def archive(name: str, *entries: str) -> Path:
            path = folder() / name
            with zipfile.ZipFile(path, "w") as out:
                for entry in entries:
                    out.writestr(entry, b"{}")
            return path

        def written(name: str, content: bytes) -> Path:
            path = folder() / name
            path.write_bytes(content)
            return path

        for path, says, hint in (
            (archive("served.mar", "MAR-INF/MANIFEST.json", "model.pt"), "TorchServe", "unpack it"),
            (archive("net.keras", "metadata.json", "config.json", "model.weights.h5"), "Keras", "tf2onnx"),
            (archive("first.pt", "net/model.json", "net/tensors/0", "net/version"), "PyTorch 1.0", "torch.jit.load"),
            (archive("packed.pt", "packed/.data/extern_modules", "packed/model/model.pkl"), "torch.package", "PackageImporter"),
            (archive("lite.ptl", "lite/data.pkl", "lite/bytecode.pkl"), "bytecode alone", "torch.jit.trace"),
            (written("net.mlmodel", bytes((8, 7, 18, 1, 10, 0xB2, 0x1F, 1, 10))), "Core ML", "it was made from"),
            (written("net.pte", b"\x20\x00\x00\x00ET12" + bytes(64)), "ExecuTorch", "it was made from"),
            (written("net.tflite", b"\x1c\x00\x00\x00TFL3" + bytes(64)), "TensorFlow Lite", "tf2onnx"),
            (written("net.xml", b'<?xml version="1.0"?>\n<net name="x" version="11">\n</net>\n'), "OpenVINO", "it was made from"),
        ):
            with self.subTest(path.name):
                self.assert_refused(BAD, "inspect", path, mentions=(says, hint))


if __name__ == "__main__":
    unittest.main()
