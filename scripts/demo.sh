#!/usr/bin/env bash
# Sets everything up, builds edgeopt, and compresses a sample model: what it achieved is printed, and where its report is.
set -euo pipefail
cd "$(dirname "$0")/.."

model=sample_models/residual_cnn.onnx
samples=sample_models/shapes_calibration.toml
test_samples=sample_models/shapes_test.toml
output=build/demo

scripts/setup.sh
cmake --preset release
cmake --build --preset release --target edgeopt
mkdir -p "$output"

run=(build/release/edgeopt optimize "$model" -o "$output/small.onnx" --data "$samples" --test-data "$test_samples" --report "$output/report")
printf '\n$ %s\n' "${run[*]}"
"${run[@]}"
printf '\nThe compressed model is %s, its report %s (summary.md and report.json beside it).\n' "$output/small.onnx" "$output/report/report.html"
