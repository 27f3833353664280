"""Runs the tenon program for the command-line tests, and checks what it says when it refuses."""

from __future__ import annotations

import os
import subprocess
import unittest
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60

DONE, NO, BAD, UNSUPPORTED, INTERNAL = range(5)  # exit statuses


@dataclass(frozen=True)
class Finished:
    status: int  # negative where a signal ended the program
    stdout: str
    stderr: str


def program() -> str:
    """The binary under test: $TENON, or the release build."""
    return os.environ.get("TENON", str(ROOT / "build/release/tenon"))


def tenon(*arguments: str | Path) -> Finished:
    """Runs `tenon ARGUMENTS`; running longer than a minute is a hang and raises."""
    words = [program(), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S)
    return Finished(done.returncode, done.stdout, done.stderr)


class ProgramTest(unittest.TestCase):
    """Adds assertions about how the program ends."""

    def assert_done(self, *arguments: str | Path) -> str:
        """The command succeeds; returns what it printed."""
        finished = tenon(*arguments)
        self.assertEqual(finished.status, DONE, f"tenon {arguments}:\n{finished.stderr}")
        return finished.stdout

    def assert_refused(self, status: int, *arguments: str | Path, mentions: tuple[str, ...] = ()) -> str:
        """The command ends with `status` and says what, where, why and what to try; returns what it said."""
        finished = tenon(*arguments)
        said = finished.stderr
        self.assertEqual(finished.status, status, f"tenon {arguments}:\n{said}")
        what = said.splitlines()[0] if said else ""
        self.assertGreater(len(what.split()), 2, f"no line says what failed:\n{said}")
        self.assertRegex(said, r"(?m)^\s*why: \S", "the error does not say why")
        self.assertRegex(said, r"(?m)^\s*try: \S", "the error does not say what to try")
        for text in mentions:
            self.assertIn(text, said)
        return said
