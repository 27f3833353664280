"""Inputs, options and output paths that do not fit: the error says which, why and what to try."""

from __future__ import annotations

import subprocess
import unittest

import numpy as np

from fixtures import exported, image, npz, scratch, traced
from program import BAD, UNSUPPORTED, ProgramTest, program


class Inputs(ProgramTest):
    def test_by_name_and_by_position(self) -> None:
        for name in ("image", "input_0"):
            with self.subTest(name):
                self.assert_done("run", traced(), "--inputs", npz(f"as_{name}", **{name: image().numpy()}))

    def test_missing(self) -> None:
        self.assert_refused(BAD, "run", traced(), "--inputs", npz("none", other=image().numpy()), mentions=("image",))

    def test_wrong_shape(self) -> None:
        wrong = npz("shape", image=np.zeros((1, 4, 16, 16), np.float32))
        self.assert_refused(BAD, "run", traced(), "--inputs", wrong, mentions=("image",))

    def test_wrong_type(self) -> None:
        wrong = npz("dtype", image=image().numpy().astype(np.int64))
        self.assert_refused(BAD, "run", traced(), "--inputs", wrong, mentions=("image", "f32", "i64"))

    def test_file_that_is_no_npz(self) -> None:
        path = scratch() / "text.npz"
        path.write_text("1 2 3")
        self.assert_refused(BAD, "run", traced(), "--inputs", path, mentions=("text.npz",))


class Usage(ProgramTest):
    def test_opset_out_of_range(self) -> None:
        for opset in ("10", "99", "seventeen"):
            with self.subTest(opset):
                out = scratch() / "x.onnx"
                self.assert_refused(BAD, "convert", traced(), "-o", out, "--opset", opset, mentions=(opset, "--opset"))

    def test_unknown_command(self) -> None:
        self.assert_refused(BAD, "transmogrify", mentions=("transmogrify", "convert"))

    def test_unknown_option(self) -> None:
        self.assert_refused(BAD, "convert", traced(), "-o", "x.onnx", "--frobnicate", mentions=("--frobnicate",))

    def test_missing_argument(self) -> None:
        self.assert_refused(BAD, "convert", mentions=("MODEL",))

    def test_shapes_that_cannot_be_read(self) -> None:
        for spec in ("image:1xx3", "image[", "nobody:1x3x16x16", "image:1x3x16"):
            with self.subTest(spec):
                out = scratch() / "x.onnx"
                name = "nobody" if "nobody" in spec else "image"
                self.assert_refused(BAD, "convert", traced(), "-o", out, "--shapes", spec, mentions=(name,))
                self.assertFalse(out.exists())

    def test_target_against_extension(self) -> None:
        out = scratch() / "x.tenon"
        self.assert_refused(BAD, "build", traced(), "-o", out, "--target", "tensorrt", mentions=("tensorrt", ".tenon"))
        self.assertFalse(out.exists())

    def test_target_that_is_not_built_yet(self) -> None:
        self.assert_refused(UNSUPPORTED, "build", traced(), "-o", scratch() / "x.tenon", "--target", "cuda", mentions=("tensorrt",))

    def test_precision_that_is_not_built_yet(self) -> None:
        out = scratch() / "half.tenon"
        self.assert_refused(UNSUPPORTED, "build", traced(), "-o", out, "--precision", "fp16", mentions=("fp16",))
        self.assertFalse(out.exists())

    def test_more_names_than_inputs(self) -> None:
        out = scratch() / "named.onnx"
        for option in ("--input-names", "--output-names"):
            with self.subTest(option):
                self.assert_refused(BAD, "convert", traced(), "-o", out, option, "a,b", mentions=("2 names",))

    def test_duration_without_a_unit(self) -> None:
        self.assert_refused(BAD, "bench", traced(), "--duration", "5", mentions=("--duration",))


class Outputs(ProgramTest):
    def test_folder_that_does_not_exist(self) -> None:
        for command, name in (("convert", "x.onnx"), ("build", "x.tenon"), ("run", "x.npz")):
            with self.subTest(command):
                missing = scratch() / "nowhere" / name
                self.assert_refused(BAD, command, traced(), "-o", missing, mentions=(str(missing),))

    def test_path_that_is_a_folder(self) -> None:
        folder = scratch() / "folder.onnx"
        folder.mkdir(exist_ok=True)
        self.assert_refused(BAD, "convert", exported(), "-o", folder, mentions=(str(folder),))
        self.assertEqual(list(folder.iterdir()), [])

    def test_no_half_written_file(self) -> None:
        """A file size limit stops the write half-way; neither the file nor a temporary one may stay."""
        folder = scratch() / "limited"
        folder.mkdir(exist_ok=True)
        script = "trap '' XFSZ; ulimit -f 1; exec \"$@\""
        command = ["bash", "-c", script, "bash", program(), "convert", traced(), "-o", folder / "x.onnx"]
        self.assertNotEqual(subprocess.run(command, capture_output=True).returncode, 0)
        self.assertEqual(list(folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
