"""The stand-ins have what NVIDIA's bindings have, no more and no less, of what Tenon uses (api.json)."""

from __future__ import annotations

import json
import subprocess
import sys
import unittest

from machine import HERE, RELEASES, environment

sys.path.append(str(HERE / "stand_ins"))
import verify_api

DESCRIBE = "import json, tensorrt, verify_api; print(json.dumps(verify_api.describe(tensorrt)))"


def stand_in(release: str) -> dict:
    env = environment(release)
    env["PYTHONPATH"] += f":{HERE / 'stand_ins'}"
    done = subprocess.run([sys.executable, "-c", DESCRIBE], env=env, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


class Api(unittest.TestCase):
    maxDiff = None

    def test_classes(self) -> None:
        real = json.loads((HERE / "stand_ins/api.json").read_text())
        for release in real:
            found = stand_in(release)
            for name, attributes in real[release]["classes"].items():
                with self.subTest(release=release, name=name):
                    self.assertEqual(found["classes"][name], attributes)

    def test_enumerations_and_functions(self) -> None:
        real = json.loads((HERE / "stand_ins/api.json").read_text())
        for release in real:
            found = stand_in(release)
            self.assertEqual(found["functions"], real[release]["functions"])
            for name, members in real[release]["enums"].items():
                with self.subTest(release=release, name=name):
                    self.assertEqual(list(found["enums"][name]), list(members))
                    if name in ("NetworkDefinitionCreationFlag", "TensorIOMode", "TensorLocation"):
                        self.assertEqual(found["enums"][name], members)

    def test_8_5_is_8_6_without_what_8_6_brought(self) -> None:
        older, newer = stand_in("8.5"), stand_in("8.6")
        self.assertEqual(
            set(newer["classes"]["IBuilderConfig"]) - set(older["classes"]["IBuilderConfig"]),
            {"builder_optimization_level", "max_aux_streams"},
        )
        self.assertEqual(
            set(newer["enums"]["BuilderFlag"]) - set(older["enums"]["BuilderFlag"]),
            {"ENABLE_TACTIC_HEURISTIC", "VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME", "FP8"},
        )

    def test_every_release_is_there(self) -> None:
        real = json.loads((HERE / "stand_ins/api.json").read_text())
        self.assertEqual({"8.5", *real}, set(RELEASES))
