#!/usr/bin/env bash
# What the planes of streams cost with the first landed map coder (commit 49259c2) and with the
# present one.
#
#   bash scripts/first_coder.sh STREAM.sem...
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
first=49259c2
[ $# -gt 0 ] || { echo "first_coder: name some .sem streams" >&2; exit 2; }
git -C "$root" cat-file -e "$first^{commit}" 2> /dev/null ||
  { echo "first_coder: commit $first is not in this clone; fetch the whole history" >&2; exit 3; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git -C "$root" archive "$first" common/core common/semantic common/entropy | tar x -C "$work"
"${CXX:-c++}" -std=c++20 -O2 -I"$work" "$root/benchmarks/first_coder.cpp" \
  "$work"/common/entropy/*.cpp "$work"/common/semantic/*.cpp "$work"/common/core/*.cpp -lcrypto \
  -o "$work/first_coder"
mkdir "$work/planes"
"$root/build/bin/entropy_bench" --dump "$work/planes" "$@"
cd "$work/planes"
echo "first coder ($first)"
"$work/first_coder" ./*.planes
echo "present coder"
"$root/build/bin/entropy_bench" --only-ours ./*.planes
