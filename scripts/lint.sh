#!/usr/bin/env bash
# Checks the sources with clang-format 19 and clang-tidy 19, in the configurations of .clang-format and .clang-tidy.
#
#   scripts/lint.sh --format    the formatting of all files (seconds)
#   scripts/lint.sh [REGEX]     that, and clang-tidy over the sources whose path matches, or over all of them (a quarter
#                               of an hour on two cores); configures a release build, whose compile commands it uses
set -uo pipefail
cd "$(dirname "$0")/.." || exit

git ls-files '*.cpp' '*.h' | xargs clang-format-19 --dry-run --Werror || exit
[ "${1:-}" != --format ] || exit 0

cmake --preset release -DBUILD_TESTING=ON --log-level=WARNING > /dev/null &&
  cmake --build --preset release --target tenon_plan -- --quiet || exit
# Operators are compiled in unity files, which share the reading of headers: those are checked as they are compiled,
# without the checks that mind one file after another.
python3 - "${1:-.}" << 'PYTHON' | xargs -0 -n 1 -P "${TENON_JOBS:-$(nproc)}" clang-tidy-19 --quiet -p build/release \
  --checks=-bugprone-suspicious-include,-readability-redundant-declaration "--header-filter=^($PWD|.*/\.\./\.\.)/(src|include|tests)/" \
  --extra-arg=-Wno-unknown-warning-option 2> /dev/null
import json, re, sys
from pathlib import Path

files = dict.fromkeys(entry["file"] for entry in json.loads(Path("build/release/compile_commands.json").read_text()))
for file in files:
    if file.endswith("_table.cpp"):
        continue  # generated
    text = Path(file).read_text() if "/Unity/" in file else file
    if re.search(sys.argv[1], text):
        print(file, end="\0")
PYTHON
