"""Makes cases and runs them: run.py TORCH_CASES FOLDER [PATTERN [traced|exported|dynamic]] (see make.py)."""

import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent


def main():
    runner, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    made = subprocess.run([sys.executable, str(here / "make.py"), str(folder), *sys.argv[3:]])
    files = sorted(str(f) for f in folder.iterdir() if f.suffix in (".pt", ".pt2"))
    ran = subprocess.run([runner, *files])
    return made.returncode or ran.returncode


if __name__ == "__main__":
    sys.exit(main())
