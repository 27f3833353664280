"""Runs the tenon program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 600


class TenonError(RuntimeError):
    """The program ended with a status other than 0; the text is what it wrote to stderr."""

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(f"tenon {command}: exit status {status}: {stderr.strip()}")


def program() -> str:
    """The binary under test: $TENON, or the release build."""
    return os.environ.get("TENON", str(ROOT / "build/release/tenon"))


def tenon(*arguments: str | Path) -> str:
    """What `tenon ARGUMENTS` prints; raises TenonError where it does not exit with 0."""
    words = [str(argument) for argument in arguments]
    done = subprocess.run([program(), *words], capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise TenonError(words[0], done.returncode, done.stderr)
    return done.stdout
