#!/usr/bin/env python3
"""Runs every command of the guides and closes with a line "N passed, N failed".

In each guide, blocks marked `console` hold commands after "$ ", and blocks marked `python` are programs; they run in
order, in a folder of their own beside the repository's demo/, with the release build and this Python on the path.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300


def commands(guide: Path) -> list[list[str]]:
    """The guide's commands, ready to run."""
    found = []
    for kind, text in BLOCK.findall(guide.read_text()):
        if kind == "python":
            found.append([sys.executable, "-W", "ignore", "-c", text])
        else:
            found += [["bash", "-c", line[2:]] for line in text.splitlines() if line.startswith("$ ")]
    return found


def run(command: list[str], folder: Path) -> bool:
    """Runs one command; shows it, and what it wrote where it fails."""
    program = Path(os.environ.get("TENON", ROOT / "build/release/tenon"))
    paths = (str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"])  # python3 has PyTorch
    environment = {**os.environ, "PATH": ":".join(paths)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    shown = command[-1].strip().splitlines()[0]
    print(f"{'ok' if done.returncode == 0 else 'FAILED'}: {shown}", flush=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr)
    return done.returncode == 0


def main() -> int:
    results = []
    for guide in GUIDES:
        with tempfile.TemporaryDirectory() as scratch:
            (Path(scratch) / "demo").symlink_to(ROOT / "demo")
            results += [run(command, Path(scratch)) for command in commands(guide)]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
