"""Children that fail, take too long or too much, or are interrupted: a reason is given and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from machine import INTERNAL, RANGES, MachineTest, environment, model, python, scratch, small_engine, words

BUILD, RUN = "build_serialized_network", "execute_async_v3"


def processes_with(text: str) -> list[int]:
    """The processes whose environment holds the text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:  # another user's, or gone
                continue
    return found


class Limits(MachineTest):
    def setUp(self) -> None:
        self.place = scratch() / self._testMethodName
        (self.place / "tmp").mkdir(parents=True)
        self.more = {"TMPDIR": str(self.place / "tmp"), "TENON_STAND_IN_CALLS": str(self.place / "calls")}

    def tearDown(self) -> None:
        left = [path for path in (self.place / "tmp").iterdir() if path.name != ".ses"]  # which is ONNX Runtime's own
        self.assertEqual(left, [], "temporary files are left")
        self.assertEqual(list(self.place.glob("out*")), [], "a part of the output is left")
        self.assertEqual(processes_with(str(self.place / "calls")), [], "a process is left")

    def commands(self, fault: str) -> list[tuple[list, dict[str, str]]]:
        build = ["build", model("small"), "-o", self.place / "out.engine", *python("10.3"), *RANGES]
        run = ["run", small_engine("10.3"), *python("10.3"), "-o", self.place / "out.npz"]
        return [(command, self.more | {"TENON_STAND_IN_FAULT": f"{method}:{fault}"}) for command, method in ((build, BUILD), (run, RUN))]

    def test_crash(self) -> None:
        for command, more in self.commands("crash"):
            self.refused(INTERNAL, ("killed by signal 11", "fault of TensorRT"), "10.3", *command, **more)

    def test_time(self) -> None:
        for command, more in self.commands("hang"):
            self.refused(INTERNAL, ("longer than 2 s", "--time-limit"), "10.3", *command, "--time-limit", "2s", **more)

    def test_memory(self) -> None:
        for command, more in self.commands("fill"):
            self.refused(INTERNAL, ("more than 500 MB", "--memory-limit"), "10.3", *command, "--memory-limit", "500M", **more)

    def test_interrupt(self) -> None:
        for command, more in self.commands("hang"):
            for number in (signal.SIGINT, signal.SIGTERM):
                Path(more["TENON_STAND_IN_CALLS"]).unlink(missing_ok=True)
                started = subprocess.Popen(words(*command), env=environment("10.3", **more), stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, text=True)  # fmt: skip
                self.wait_for(Path(more["TENON_STAND_IN_CALLS"]), more["TENON_STAND_IN_FAULT"].partition(":")[0])
                started.send_signal(number)
                _, said = started.communicate(timeout=20)
                self.assertEqual(started.returncode, INTERNAL, said)
                self.assertIn("it was interrupted", said)

    def wait_for(self, file: Path, text: str) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if file.exists() and text in file.read_text():
                return
            time.sleep(0.05)
        self.fail(f"{text} was never called")

    def test_killed(self) -> None:
        """When Tenon itself is killed, the child goes too."""
        command, more = self.commands("hang")[0]
        started = subprocess.Popen(words(*command), env=environment("10.3", **more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for(Path(more["TENON_STAND_IN_CALLS"]), BUILD)
        started.kill()
        started.wait()
        end = time.monotonic() + 10
        while processes_with(more["TENON_STAND_IN_CALLS"]) and time.monotonic() < end:
            time.sleep(0.05)
        for path in (*(self.place / "tmp").iterdir(), *self.place.glob("out*")):  # which nobody was left to remove
            subprocess.run(["rm", "-r", path], check=True)

    def test_no_python(self) -> None:
        self.refused(INTERNAL, ("cannot start Python", "no-such-python"), "10.3", "run", small_engine("10.3"), "--python", "no-such-python")
        self.refused(INTERNAL, ("ended with status",), "10.3", "run", small_engine("10.3"), "--python", "false")
