"""Plans that are damaged or from elsewhere: refused, or proven harmless by giving the same outputs."""

from __future__ import annotations

import functools
import os
import random
import subprocess
import unittest
from pathlib import Path

import numpy as np

from fixtures import image, npz, scratch, traced
from program import BAD, DONE, ProgramTest, program, tenon

CUTS = 12
FLIPS = 60


@functools.cache
def plan() -> Path:
    path = scratch() / "small.tenon"
    finished = tenon("build", traced(), "-o", path)
    if finished.status != DONE:
        raise RuntimeError(f"tenon build failed:\n{finished.stderr}")
    return path


@functools.cache
def inputs() -> Path:
    return npz("plan_inputs", image=image().numpy())


def outputs_of(path: Path) -> np.ndarray | None:
    """The plan's scores; None where it is refused."""
    out = scratch() / "plan_outputs.npz"
    if tenon("run", path, "--inputs", inputs(), "-o", out).status != DONE:
        return None
    with np.load(out) as arrays:
        return arrays[arrays.files[0]]


class Plans(ProgramTest):
    def altered(self, content: bytes) -> Path:
        path = scratch() / "altered.tenon"
        path.write_bytes(content)
        return path

    def refuse(self, path: Path) -> None:
        self.assert_refused(BAD, "run", path, "--inputs", inputs(), mentions=(path.name,))

    def test_cut_short(self) -> None:
        content = plan().read_bytes()
        for part in range(CUTS):
            with self.subTest(part=part):
                self.refuse(self.altered(content[: len(content) * part // CUTS]))

    def test_flipped_bits(self) -> None:
        content, expected = plan().read_bytes(), outputs_of(plan())
        self.assertIsNotNone(expected)
        chance = random.Random(5)
        for _ in range(FLIPS):
            position, bit = chance.randrange(len(content)), chance.randrange(8)
            flipped = bytearray(content)
            flipped[position] ^= 1 << bit
            path = self.altered(bytes(flipped))
            with self.subTest(position=position, bit=bit):
                finished = tenon("run", path, "--inputs", inputs())
                self.assertIn(finished.status, (DONE, BAD), finished.stderr)
                if finished.status == DONE:  # padding between the parts of the file
                    np.testing.assert_array_equal(outputs_of(path), expected)

    def test_another_processor(self) -> None:
        """Weights packed for another instruction set are packed again; the notice says so, the outputs stay."""
        narrow = {**os.environ, "DNNL_MAX_CPU_ISA": "SSE41"}  # less than any machine of today has
        out = scratch() / "narrow.npz"
        command = [program(), "run", plan(), "--inputs", inputs(), "-o", out]
        done = subprocess.run(command, capture_output=True, text=True, env=narrow)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn("packed again", done.stderr)
        with np.load(out) as arrays:
            np.testing.assert_allclose(arrays[arrays.files[0]], outputs_of(plan()), rtol=0, atol=1e-4)

    def test_another_magic(self) -> None:
        self.refuse(self.altered(b"NOTAPLAN" + plan().read_bytes()[8:]))

    def test_a_model_is_no_plan(self) -> None:
        self.refuse(self.altered(traced().read_bytes()[:64] + b"\0" * 4096))


if __name__ == "__main__":
    unittest.main()
