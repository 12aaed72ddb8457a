#!/usr/bin/env bash
# Checks beside the tests: format, another compiler, sanitizers, clang-tidy, another architecture.
#
#   bash scripts/checks.sh                  format, clang, sanitizers, threads, tidy and neon
#   bash scripts/checks.sh NAME...          some of them
#
#   format      every C++ file is as clang-format leaves it
#   clang       the tests that need no torch, built by clang++, pass
#   sanitizers  the same with AddressSanitizer and UndefinedBehaviorSanitizer
#   threads     the tests of queues, pools and readers under ThreadSanitizer
#   tidy        clang-tidy on what changed since BASE (default: the commit before); --all-files: on all
#   neon        the CPU's kernels (common/cpu), built for 64-bit ARM, pass their tests under qemu
#
# Needs clang, clang-format, clang-tidy and their runtime, a compiler for ARM and qemu-user; --install
# fetches them with apt-get. Files that
# include torch are left out everywhere: a compiler without the project's precompiled header takes
# minutes for each.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
say() { printf 'checks: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

base=${BASE:-HEAD~1} all=no names=()
for argument in "$@"; do
  case $argument in
    -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;;
    --all-files) all=yes ;;
    --install)
      DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends clang clang-format \
        clang-tidy libclang-rt-14-dev g++-aarch64-linux-gnu qemu-user googletest >/dev/null ||
        die "apt-get could not install clang, g++-aarch64-linux-gnu, qemu-user or googletest" ;;
    format | clang | sanitizers | threads | tidy | neon) names+=("$argument") ;;
    *) die "there is no check '$argument'; see: bash scripts/checks.sh --help" ;;
  esac
done
[ ${#names[@]} -gt 0 ] || names=(format clang sanitizers threads tidy neon)

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || die "$tool is missing; run bash scripts/checks.sh --install"
  done
}

sources() { git ls-files '*.cpp' '*.h' '*.cu' '*.cuh' '*.inc'; }

# configure FOLDER OPTIONS...: a build folder of its own, without CUDA
configure() {
  local folder=$1
  shift
  [ -e "$folder/build.ninja" ] && return
  cmake -G Ninja -B "$folder" -DSEMCODEC_CUDA=OFF -DSEMCODEC_BENCHMARKS=OFF \
    -DSEMCODEC_TORCH_DIR="$(bash scripts/setup.sh --print-torch-dir)" "$@" >"$folder.log" 2>&1 ||
    { tail -n 20 "$folder.log" >&2; die "CMake could not configure $folder"; }
}

tests_in() {
  local folder=$1
  shift
  ctest --test-dir "$folder" -j "$(nproc)" --output-on-failure "$@"
}

check_format() {
  need clang-format
  local wrong
  # Version 14, which Debian 12 has, decides; others break lines elsewhere.
  clang-format --version | grep -q 'version 14' || { say "format: left out, clang-format is not version 14"; return; }
  wrong=$(sources | xargs clang-format --dry-run 2>&1 | sed -n 's/^\([^:]*\):.*warning.*/\1/p' | sort -u)
  [ -z "$wrong" ] || { printf '%s\n' "$wrong" >&2; die "these files are not formatted; run clang-format -i on them"; }
}

check_clang() {
  need clang++
  configure build-clang -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
  cmake --build build-clang --target torchfree
  tests_in build-clang -L torchfree
}

check_sanitizers() {
  need clang++
  configure build-sanitizers -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g" \
    -DSEMCODEC_SANITIZE=address,undefined -DSEMCODEC_WERROR=OFF -DCMAKE_C_COMPILER=clang \
    -DCMAKE_CXX_COMPILER=clang++
  cmake --build build-sanitizers --target torchfree
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  export LSAN_OPTIONS=suppressions=$root/tests/sanitizers/leaks.supp:print_suppressions=0
  # Whole stacks through libraries without frame pointers, which the suppressions name; too slow where
  # every allocation fails in turn.
  ASAN_OPTIONS=fast_unwind_on_malloc=0 tests_in build-sanitizers -L torchfree -E '^allocation_test$'
  tests_in build-sanitizers -R '^allocation_test$'
}

check_threads() {
  local programs=(test_core test_app test_media test_packets base_search_test kmeans_test)
  configure build-threads -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g" \
    -DSEMCODEC_SANITIZE=thread -DSEMCODEC_WERROR=OFF
  local known chosen=() name
  known=$(ninja -C build-threads -t targets all)
  for name in "${programs[@]}"; do
    grep -q "^$name:" <<<"$known" && chosen+=("$name")
  done
  [ ${#chosen[@]} -gt 0 ] || die "threads: none of its test programs exists: ${programs[*]}"
  cmake --build build-threads --target "${chosen[@]}"
  TSAN_OPTIONS=halt_on_error=1:suppressions=$root/tests/sanitizers/threads.supp tests_in build-threads -R "^($(IFS='|'; echo "${chosen[*]}"))\$"
}

check_tidy() {
  need clang-tidy
  local files database=build
  [ -e build/compile_commands.json ] || database=build-clang
  [ -e "$database/compile_commands.json" ] || { check_clang; database=build-clang; }
  if [ "$all" = yes ]; then
    files=$(git ls-files '*.cpp')
  else
    git rev-parse --quiet --verify "$base^{commit}" >/dev/null ||
      { say "tidy: there is no commit $base to compare with; set BASE"; return 1; }
    files=$(git diff --name-only --diff-filter=d "$base" -- '*.cpp')
  fi
  # Files that torch's headers reach take minutes each.
  files=$(for file in $files; do
    grep -q "\"file\": \"$root/$file\"" "$database/compile_commands.json" || continue
    grep -qE 'torch|models/|training/' "$file" || printf '%s\n' "$file"
  done)
  [ -n "$files" ] || { say "tidy: nothing changed since $base that it looks at"; return; }
  printf '%s\n' "$files" | xargs -P "$(nproc)" -n 1 clang-tidy -quiet -p "$database" \
    --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*'
}

check_neon() {
  need aarch64-linux-gnu-g++ qemu-aarch64
  [ -e build-neon/build.ninja ] ||
    cmake -G Ninja -B build-neon -S tests/cpu/cross -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux \
      -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
      -DCMAKE_DISABLE_FIND_PACKAGE_hwy=ON >build-neon.log 2>&1 ||
    { tail -n 20 build-neon.log >&2; die "CMake could not configure build-neon"; }
  cmake --build build-neon
  # max: every instruction set that the emulator knows.
  qemu-aarch64 -cpu max build-neon/cpu_kernels_test --gtest_brief=1
}

for name in "${names[@]}"; do
  start=$SECONDS
  say "$name ..."
  "check_$name"
  say "$name passed in $((SECONDS - start)) s"
done
