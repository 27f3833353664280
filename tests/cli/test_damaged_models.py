"""Model files that are cut short, corrupted, hostile, or no models: each is refused, none is executed."""

from __future__ import annotations

import copy
import os
import pickle
import random
import struct
import unittest
import zipfile
from pathlib import Path

import onnx
import torch

from fixtures import exported, onnx_file, scratch, small_net, traced
from program import BAD, DONE, UNSUPPORTED, ProgramTest, tenon

CUTS = 12
FLIPS = 40


def written(name: str, content: bytes) -> Path:
    path = scratch() / name
    path.write_bytes(content)
    return path


def archive(name: str, entries: dict[str, bytes]) -> Path:
    path = scratch() / name
    with zipfile.ZipFile(path, "w") as out:
        for entry, content in entries.items():
            out.writestr(entry, content)
    return path


def with_entry(model: Path, suffix: str, content: bytes, name: str) -> Path:
    """A copy of a model archive in which the entry ending in `suffix` holds something else."""
    with zipfile.ZipFile(model) as source:
        entries = {info.filename: source.read(info) for info in source.infolist()}
    (target,) = (entry for entry in entries if entry.endswith(suffix))
    return archive(name, {**entries, target: content})


class Execute:
    """Unpickling this runs a command that leaves a file behind."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, (f"touch {self.witness}",)


class Damaged(ProgramTest):
    def refuse(self, model: Path, *mentions: str) -> None:
        out = scratch() / "refused.onnx"
        self.assert_refused(BAD, "convert", model, "-o", out, mentions=(model.name, *mentions))
        self.assertFalse(out.exists(), "a refused conversion left a file behind")

    def test_cut_short(self) -> None:
        for model in (traced(), exported(), onnx_file()):
            content = model.read_bytes()
            for part in range(CUTS):
                with self.subTest(model=model.name, part=part):
                    self.refuse(written(f"cut{model.suffix}", content[: len(content) * part // CUTS]))

    def test_flipped_bits_never_crash(self) -> None:
        chance = random.Random(3)
        for model in (traced(), exported(), onnx_file()):
            content = model.read_bytes()
            for _ in range(FLIPS):
                position, bit = chance.randrange(len(content)), chance.randrange(8)
                flipped = bytearray(content)
                flipped[position] ^= 1 << bit
                path = written(f"flipped{model.suffix}", bytes(flipped))
                with self.subTest(model=model.name, position=position, bit=bit):
                    finished = tenon("convert", path, "-o", scratch() / "flipped.onnx")
                    self.assertIn(finished.status, (DONE, BAD, UNSUPPORTED), finished.stderr)

    def test_onnx_that_claims_more_than_it_holds(self) -> None:
        """A length of four gigabytes, a tensor of a million terabytes, and weights in a file outside the folder."""
        self.refuse(written("claims.onnx", b"\x08\x08\x3a\xff\xff\xff\xff\x0f"))
        model = onnx.load(onnx_file())
        huge = copy.deepcopy(model)
        del huge.graph.initializer[0].dims[:]
        huge.graph.initializer[0].dims.extend([1 << 40, 1 << 20])
        self.refuse(written("huge.onnx", huge.SerializeToString()))
        outside = copy.deepcopy(model)
        tensor = outside.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../etc/passwd")
        self.refuse(written("outside.onnx", outside.SerializeToString()), "passwd")

    def test_oversized_header(self) -> None:
        content = bytearray(traced().read_bytes())
        entry = content.find(b"PK\x01\x02")
        struct.pack_into("<II", content, entry + 20, 0xFFFFFFF0, 0xFFFFFFF0)
        self.refuse(written("oversized.pt", bytes(content)))

    def test_archive_within_archive(self) -> None:
        self.refuse(archive("nested.pt", {"inner/data.pkl": traced().read_bytes()}))

    def test_archive_that_overlaps_itself(self) -> None:
        content = bytearray(traced().read_bytes())
        first, second = content.find(b"PK\x01\x02"), content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 4)
        content[second + 42 : second + 46] = content[first + 42 : first + 46]
        self.refuse(written("overlapping.pt", bytes(content)))

    def test_deep_pickle(self) -> None:
        deep = b"\x80\x02" + b"(" * 200_000 + b"t" * 200_000 + b"."
        self.refuse(with_entry(traced(), "data.pkl", deep, "deep.pt"))

    def test_pickle_bomb(self) -> None:
        doubling = (
            b"\x80\x02]q\x00"
            + b"".join(b"(h" + bytes([i]) + b"h" + bytes([i]) + b"lq" + bytes([i + 1]) for i in range(100))
            + b"."
        )
        self.refuse(with_entry(traced(), "data.pkl", doubling, "bomb.pt"))

    def test_pickle_that_names_os_system(self) -> None:
        witness = scratch() / "executed"
        hostile = pickle.dumps(Execute(witness), protocol=2)
        for model, entry in (
            (written("bare.pt", hostile), ""),
            (with_entry(traced(), "data.pkl", hostile, "archived.pt"), "data.pkl"),
            (with_entry(traced(), "constants.pkl", hostile, "constants.pt"), "constants.pkl"),
            (with_entry(traced(), "traced_inputs.pkl", hostile, "inputs.pt"), "traced_inputs.pkl"),
            (archive("weights_only.pt", {"weights/data.pkl": hostile, "weights/version": b"3"}), "data.pkl"),
        ):
            with self.subTest(model.name):
                self.refuse(model, "posix.system", entry, "executes nothing", "PyTorch's own classes", "do not load this file")
                self.assertFalse(witness.exists(), "the pickle was executed")

    def test_program_that_names_a_foreign_class(self) -> None:
        foreign = pickle.dumps(Path("weights"), protocol=2)
        self.refuse(with_entry(traced(), "data.pkl", foreign, "foreign.pt"), "pathlib", "data.pkl", "PyTorch's own classes")

    def test_state_dict_gets_the_script_that_makes_a_model(self) -> None:
        path = scratch() / "weights.pt"
        torch.save(small_net().state_dict(), path)
        self.refuse(path, "torch.jit.trace", "state_dict")

    def test_pickled_module_gets_the_script_that_makes_a_model(self) -> None:
        path = scratch() / "module.pt"
        torch.save(small_net(), path)
        self.refuse(path, "torch.jit.trace")

    def test_zip_that_is_no_model(self) -> None:
        self.refuse(archive("photos.zip", {"holiday.txt": b"sea"}))

    def test_text_empty_folder_pipe_and_missing(self) -> None:
        (scratch() / "folder.pt").mkdir(exist_ok=True)
        self.refuse(written("notes.pt", b"import torch\n" * 100))
        self.refuse(written("empty.pt", b""))
        self.refuse(scratch() / "folder.pt")
        self.refuse(scratch() / "missing.pt")
        os.mkfifo(scratch() / "pipe.pt")
        self.refuse(scratch() / "pipe.pt")


if __name__ == "__main__":
    unittest.main()
