#!/usr/bin/env bash
# Installs what edgeopt needs from the distribution (Debian 12 or later), and the tests' ONNX Runtime from npm.
# Run it as root or as somebody who may use sudo; running it again changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  g++ cmake ninja-build pkg-config               # the build
  libonnx-dev libprotobuf-dev protobuf-compiler  # ONNX files
  libdnnl-dev libeigen3-dev                      # kernels
  libcli11-dev libfmt-dev libtomlplusplus-dev nlohmann-json3-dev
  libzip-dev libjpeg-dev libpng-dev libssl-dev   # samples, hashes
  doctest-dev ca-certificates                    # the tests, and fetching ONNX Runtime for them
)
optional_packages=(ccache mold clang-format)       # a faster build, and the formatting test

is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

# Root needs no sudo; without either, say what is missing and let the person decide.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    echo "setup: these packages are missing and need root to install: ${missing[*]}" >&2
    exit 2
  fi
}

missing=()
for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
wanted=()
for package in "${optional_packages[@]}"; do
  command -v "$package" >/dev/null || wanted+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${missing[*]} ${wanted[*]}"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" "${wanted[@]}"
fi

# ONNX Runtime judges every model that the tests write. `--ignore-scripts`: the library is inside the package, nothing
# else is fetched.
judge=tests/onnxruntime
if [ -z "${EDGEOPT_NODE_MODULES:-}" ] && ! cmp -s "$judge/package-lock.json" "$judge/node_modules/.installed-lock" 2>/dev/null; then
  echo "setup: installing ONNX Runtime for the tests"
  (cd "$judge" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  cp "$judge/package-lock.json" "$judge/node_modules/.installed-lock"
fi
echo "setup: done"
