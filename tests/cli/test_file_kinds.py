"""Files that hold no program of PyTorch: what they are is said, and what to do."""

from __future__ import annotations

import zipfile
from pathlib import Path

from fixtures import scratch
from program import BAD, ProgramTest


class Kinds(ProgramTest):
    def test_kinds_that_are_named(self) -> None:
        def archive(name: str, *entries: str) -> Path:
            path = scratch() / name
            with zipfile.ZipFile(path, "w") as out:
                for entry in entries:
                    out.writestr(entry, b"{}")
            return path

        def written(name: str, content: bytes) -> Path:
            path = scratch() / name
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
