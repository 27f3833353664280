"""TensorRT 10.3 as far as Tenon's child process uses it: see stand_in.py."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

import stand_in

stand_in.fill(globals(), "10.3")
