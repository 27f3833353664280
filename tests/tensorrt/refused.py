#!/usr/bin/env python3
"""Whether TensorRT-RTX lacks what we say that it lacks, and takes what we say that it takes: operator by operator, itself asked.

    refused.py TENON FOLDER [OPERATOR...] [--all]

The questions are the models of ONNX's own node tests, as far as Tenon reads them. TensorRT's parser and builder, and `tenon
inspect --target tensorrt-rtx`, have to be of one mind about each: what becomes an engine is not refused, and what does not is
refused by the operator's name, unless Tenon writes it with other operators; then an engine has to come of it. Moreover, no model
of an operator that src/targets/tensorrt/rtx_measured.txt refuses, whatever the type, may become an engine, and some model of one
that it takes has to. One model an operator is asked about, --all asks about every one. Doubles are left out: we refuse them since
TensorRT takes them and computes floats. Needs no GPU, but a Python that has TensorRT-RTX and onnx. Closes with a line
"N passed, N failed".
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import onnx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from tensorrt_rtx_measure import builds, questions, refusal, with_constants, with_one_output  # noqa: E402

TABLE = ROOT / "src/targets/tensorrt/rtx_measured.txt"
DONE, BAD, UNSUPPORTED = 0, 2, 3  # exit statuses
TIMEOUT_S = 120


@dataclass(frozen=True)
class Options:
    tenon: str
    folder: Path
    all: bool


def operators() -> dict[str, bool]:
    """Whether the table takes them, of any type."""
    rows = [line.split() for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    return {row[0]: row[3] != "-" for row in rows}


def has_doubles(model: onnx.ModelProto) -> bool:
    """As TensorRT would meet them."""
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    kinds = [v.type.tensor_type.elem_type for v in values] + [t.data_type for t in model.graph.initializer]
    return onnx.TensorProto.DOUBLE in kinds


def forms(case) -> Iterator[onnx.ModelProto]:
    """A test's model as it stands, with all inputs but the first as constants, and with its first output alone: what many
    operators want."""
    yield case.model
    if len(case.model.graph.input) > 1 and case.data_sets:
        names = [value.name for value in case.model.graph.input]
        yield with_constants(case.model, dict(zip(names, case.data_sets[0][0], strict=False)), 1)
    if len(case.model.graph.output) > 1 and not any(a.HasField("g") for a in case.model.graph.node[0].attribute):
        yield with_one_output(case.model)


def put(models: list[bytes], answers) -> None:
    for data in models:
        model = onnx.ModelProto.FromString(data)
        answers.send(False if refusal(model) is not None else builds(model))


def engines(models: list[onnx.ModelProto]) -> Iterator[bool | None]:
    """Whether an engine comes of each, asked in a process of its own, which a crash may end: a refusal too. None where the
    parser takes it, and the builder would have to know values of inputs."""
    left = [model.SerializeToString() for model in models]
    while left:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=put, args=(left, theirs))
        process.start()
        theirs.close()
        try:
            while left:
                answer = ours.recv()
                left = left[1:]
                yield answer
        except EOFError:
            left = left[1:]
            yield False
        finally:
            process.terminate()
            process.join()


def run(*arguments: object) -> tuple[int, str]:
    done = subprocess.run([*map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@dataclass
class Answers:
    """About one operator."""

    taken: bool = False  # some model by TensorRT
    known: bool = False  # some model is read by Tenon
    wrong: list[str] = field(default_factory=list)


# How Tenon says that it does not read a model itself.
UNREAD = ("Tenon does not know", "cannot be read", "unknown ONNX operator")


def judge(options: Options, operator: str, file: Path, taken: bool | None) -> str | None:
    """What is wrong with the answer of `tenon inspect`; empty where it is right, None where it says nothing of TensorRT."""
    status, said = run(options.tenon, "inspect", file, "--target", "tensorrt-rtx")
    if status == DONE and taken is False:  # composed of others, or computed beforehand
        status, said = run(options.tenon, "build", file, "-o", file.with_suffix(".engine"), "--target", "tensorrt-rtx",
                           "--python", sys.executable, "--no-verify", "--rebuild")  # fmt: skip
        return "" if status == DONE else f"not refused, and no engine comes of it: {said}"
    if status == DONE or (taken is False and status == UNSUPPORTED and operator in said):
        return ""
    if taken is None or status == BAD or any(words in said for words in UNREAD):
        return None
    return f"TensorRT {'refuses' if taken is False else 'takes'} it, and Tenon ends with status {status}: {said}"


def ask(options: Options, operator: str, is_taken: bool, models: list[onnx.ModelProto]) -> Answers:
    out = Answers()
    for index, taken in enumerate(engines(models)):
        file = options.folder / f"{operator}{index}.onnx"
        if taken and not is_taken:
            out.wrong.append(f"{file}: an engine comes of it")
        out.taken |= taken is not False
        if not options.all and (taken is False) == is_taken:
            continue
        onnx.save(models[index], file)
        why = judge(options, operator, file, taken)
        if why is None:
            continue
        out.known = True
        if why:
            out.wrong.append(f"{file}: {why}")
        if not options.all:
            break
    if is_taken and out.known and not out.taken:
        out.wrong.append("no engine comes of any model")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tenon")
    parser.add_argument("folder", type=Path)
    parser.add_argument("operators", nargs="*")
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    given.folder.mkdir(parents=True, exist_ok=True)
    options = Options(given.tenon, given.folder, given.all)
    asked = questions()

    def answer(operator: str, taken: bool) -> Answers:
        models = [form for case in asked[operator] if not has_doubles(case.model) for form in forms(case)]
        return ask(options, operator, taken, models)

    table = {name: taken for name, taken in operators().items() if not given.operators or name in given.operators}
    passed, failed, unknown = {False: 0, True: 0}, 0, []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(answer, *zip(*table.items(), strict=True))
        for (operator, taken), found in zip(table.items(), answers, strict=True):
            for why in found.wrong:
                print(f"{operator}: {why}", flush=True)
            if found.wrong:
                failed += 1
            elif found.known:
                passed[taken] += 1
            else:
                unknown.append(operator)
    print(f"not read by Tenon: {' '.join(unknown) or 'none'}")
    print(f"confirmed: {passed[False]} operators refused, {passed[True]} taken")
    print(f"{sum(passed.values())} passed, {failed} failed")
    return 1 if failed or not any(passed.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
