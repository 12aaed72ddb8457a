#!/usr/bin/env bash
# Installs what is missing, configures and builds. Programs land in build/bin.
#
#   bash scripts/build.sh [--preset NAME] [TARGET...]
#
# Presets: release (default), debug, asan, ubsan, tsan; see CMakePresets.json.
# SEMCODEC_JOBS sets the number of compilers at a time; default: one a core as far as memory goes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf 'build: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

preset=release
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --preset) [ $# -ge 2 ] || die "--preset needs a name"; preset=$2; shift ;;
    -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;;
    -*) die "unknown option $1; see: bash scripts/build.sh --help" ;;
    *) targets+=("$1") ;;
  esac
  shift
done
case $preset in
  release) dir=build ;;
  debug | asan | ubsan | tsan) dir=build-$preset ;;
  *) die "there is no preset '$preset'; known are release, debug, asan, ubsan, tsan" ;;
esac

bash scripts/setup.sh
torch=$(bash scripts/setup.sh --print-torch-dir) ||
  die "PyTorch was not found after scripts/setup.sh"

# nvcc that setup.sh --cuda fetched goes before another one: it fits the PyTorch beside it.
flags=()
if cuda=$(bash scripts/setup.sh --print-cuda-dir); then
  export CUDACXX=$cuda/bin/nvcc CUDA_HOME=$cuda
  flags+=("-DCUDAToolkit_ROOT=$cuda" "-DCUDA_TOOLKIT_ROOT_DIR=$cuda")
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

configured=$(sed -n 's/^SEMCODEC_TORCH_DIR:[A-Z]*=//p' "$dir/CMakeCache.txt" 2>/dev/null || true)
if [ ! -e "$dir/build.ninja" ] || [ "$configured" != "$torch" ]; then
  # Libraries found in another PyTorch must be looked up again.
  cmake --preset "$preset" -U 'LIBTORCH_*' "-DSEMCODEC_TORCH_DIR=$torch" "${flags[@]}" \
    >"$log" 2>&1 ||
    { tail -n 30 "$log" >&2; die "CMake could not configure $dir; the reason stands above"; }
  if grep -q 'CUDA kernels: OFF' "$log" && [ "$preset" = release ]; then
    say "without CUDA kernels (no nvcc here; bash scripts/setup.sh --cuda fetches it)"
  fi
fi

# A file that includes torch takes the compiler up to 1.5 GB.
jobs_for_memory() {
  local kib limit
  kib=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
  if [ "$limit" != max ] && [ $((limit / 1024)) -lt "$kib" ]; then kib=$((limit / 1024)); fi
  echo $((kib / 1572864))
}
jobs=${SEMCODEC_JOBS:-$(nproc)}
if [ -z "${SEMCODEC_JOBS:-}" ]; then
  fit=$(jobs_for_memory)
  if [ "$fit" -lt "$jobs" ]; then jobs=$fit; fi
  if [ "$jobs" -lt 1 ]; then jobs=1; fi
fi

start=$SECONDS
work=$(ninja -C "$dir" -n "${targets[@]}" 2>/dev/null | grep -c '^\[' || true)
if [ "$work" -gt 0 ]; then say "$work steps, $jobs at a time, in $dir"; fi
if ! ninja -C "$dir" -j "$jobs" --quiet "${targets[@]}" >"$log" 2>&1; then
  grep -E -A12 'FAILED|error:|Error' "$log" | head -n 60 >&2 || tail -n 30 "$log" >&2
  die "the build failed; the first errors stand above"
fi
if [ "$work" -gt 0 ]; then say "done in $((SECONDS - start)) s"; fi
