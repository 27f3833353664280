"""TensorRT 11.0 as far as Tenon's child process uses it: see stand_in.py."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

import stand_in

stand_in.fill(globals(), "11.0")
