#!/usr/bin/env bash
# Installs what Tenon needs on Debian 12 or Ubuntu 24.04, as root or with sudo.
#
#   scripts/setup.sh               everything
#   scripts/setup.sh --build-only  what building the program needs
#   scripts/setup.sh --demo        that, and what scripts/demo.sh needs
#   scripts/setup.sh --tests       that, and what the tests need: GoogleTest, clang, and a Python environment with
#                                  PyTorch, ONNX Runtime and others in ${TENON_VENV:-$HOME/.cache/tenon/venv}
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
venv=${TENON_VENV:-$HOME/.cache/tenon/venv}

build_packages=(
  ca-certificates git g++ cmake ninja-build ccache
  libdnnl-dev libhwy-dev libprotozero-dev libsimdjson-dev nlohmann-json3-dev
  libflatbuffers-dev flatbuffers-compiler libcli11-dev libfmt-dev zlib1g-dev libeigen3-dev
)
demo_packages=(python3 python3-numpy)
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev libomp-19-dev
  python3-venv
)

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    echo "setup.sh: installing packages needs root; run it as root or install sudo" >&2
    exit 1
  fi
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

# Installs the packages of its arguments that are missing.
install_packages() {
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}

# Makes the Python environment match tests/requirements.txt; a stamp spares asking pip every time.
install_python() {
  local requirements=$root/tests/requirements.txt
  if cmp -s "$requirements" "$venv/requirements.txt"; then
    return 0
  fi
  echo "installing the Python packages of tests/requirements.txt into $venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --requirement "$requirements"
  cp "$requirements" "$venv/requirements.txt"
}

case ${1:-} in
  --build-only)
    install_packages "${build_packages[@]}"
    ;;
  --demo)
    install_packages "${build_packages[@]}" "${demo_packages[@]}"
    ;;
  --tests | '')
    install_packages "${build_packages[@]}" "${demo_packages[@]}" "${test_packages[@]}"
    install_python
    ;;
  --help | -h)
    usage
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac
