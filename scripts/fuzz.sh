#!/usr/bin/env bash
# Runs the libFuzzer programs, each for a number of executions, and says what they did.
#
#   bash scripts/fuzz.sh                        100,000 executions of each target
#   bash scripts/fuzz.sh --runs 3000000 packets chunk
#   bash scripts/fuzz.sh --seconds 600 config   for a time instead
#   bash scripts/fuzz.sh --log                  also adds a line a target to docs/fuzz-log.csv
#   bash scripts/fuzz.sh --no-build             what was built before, whatever the sources are now
#   bash scripts/fuzz.sh --timeout 60           seconds that an input may take, by the clock: more
#                                               than 10 on a busy machine; inputs that take 10 are
#                                               kept as build-fuzz/finds/TARGET-slow-unit-*
#
# Builds them first (preset fuzz: clang with libclang-rt-14-dev, build-fuzz). What a run learns is kept in
# build-fuzz/corpus/TARGET and used by the next; tests/fuzz/corpus/TARGET are the seeds. A find ends
# the run with exit code 1, its input lies in build-fuzz/finds: mend it, and add the input to
# tests/fuzz/corpus/TARGET, where the ordinary tests replay it.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=100000
seconds=0
timeout=10
build=yes
log=no
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=$2; shift ;;
    --seconds) seconds=$2 runs=-1; shift ;;
    --timeout) timeout=$2; shift ;;
    --no-build) build=no ;;
    --log) log=yes ;;
    -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;;
    -*) echo "fuzz: unknown option $1; see: bash scripts/fuzz.sh --help" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
[ ${#targets[@]} -gt 0 ] || targets=(stream seek audio packets chunk base media weights config)

if [ "$build" = yes ]; then
  command -v clang++ >/dev/null || {
    echo "fuzz: clang is missing; apt-get install clang libclang-rt-14-dev" >&2; exit 1; }
  [ -e build-fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
  programs=("${targets[@]/#/semcodec_fuzz_}")
  cmake --build build-fuzz -j "${SEMCODEC_JOBS:-$(nproc)}" --target "${programs[@]}" >build-fuzz/build.log 2>&1 ||
    { tail -n 20 build-fuzz/build.log >&2; exit 1; }
  git rev-parse --short HEAD >build-fuzz/commit
fi

mkdir -p build-fuzz/finds
status=0
for target in "${targets[@]}"; do
  kept=build-fuzz/corpus/$target
  mkdir -p "$kept"
  dictionary=tests/fuzz/$target.dict
  output=build-fuzz/$target.log
  got=0
  # LibTorch and libav are not built with coverage; leaks inside them are not ours.
  ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=16 \
    build-fuzz/bin/semcodec_fuzz_"$target" "$kept" tests/fuzz/corpus/"$target" -runs="$runs" \
    -max_total_time="$seconds" -rss_limit_mb=1500 -timeout="$timeout" -report_slow_units=10 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix=build-fuzz/finds/"$target"- \
    $([ -e "$dictionary" ] && echo -dict="$dictionary") >"$output" 2>&1 || got=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$output")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$output")
  memory=$(sed -n 's/^stat::peak_rss_mb: *//p' "$output")
  covered=$(grep -o 'cov: [0-9]*' "$output" | tail -n 1 | cut -d' ' -f2)
  echo "$target: ${executions:-0} executions, ${rate:-0} a second, ${covered:-0} edges, ${memory:-0} MB$([ "$got" -eq 0 ] || echo ', A FIND, see '"$output")"
  [ "$got" -eq 0 ] || status=1
  if [ "$log" = yes ]; then
    [ -e docs/fuzz-log.csv ] || echo "date,commit,target,executions,edges,peak_mb,finds" >docs/fuzz-log.csv
    echo "$(date -u +%F),$(cat build-fuzz/commit),$target,${executions:-0},${covered:-0},${memory:-0},$([ "$got" -eq 0 ] && echo 0 || echo 1)" >>docs/fuzz-log.csv
  fi
done
exit $status
