#!/usr/bin/env bash
# Installs, builds, and runs every test: the C++ tests and the programs' tests.
#
#   bash scripts/test.sh [--checks] [--preset NAME] [CTEST OPTIONS...]     e.g.  -R entropy, -L unit
#
# --checks runs all of scripts/checks.sh before. Continuous integration runs some of them.
# Tests that need third-party weights get them from scripts/fetch.sh, and the tools that metrics are
# compared with from scripts/reference_tools.sh; where those cannot be had, they say so and are
# skipped.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

preset=release checks=no
while [ $# -gt 0 ]; do
  case $1 in
    --checks) checks=yes; shift ;;
    --preset) preset=${2:?--preset needs a name}; shift 2 ;;
    *) break ;;
  esac
done
bash scripts/build.sh --preset "$preset"
if [ "$checks" = yes ]; then
  bash scripts/checks.sh --install
fi
bash scripts/setup_python.sh ||
  echo "test: curves and BD figures are not tested; their packages could not be installed" >&2
bash scripts/reference_tools.sh ||
  echo "test: the metrics are not compared with other tools, which could not be installed" >&2
bash scripts/fetch.sh weights ||
  echo "test: not all third-party weights are here; the tests that need them are skipped" >&2

start=$SECONDS
status=0
dir=build
[ "$preset" = release ] || dir=build-$preset
ctest --preset "$preset" -j "$(nproc)" --output-junit "$root/$dir/test-results.xml" "$@" || status=$?
python3 scripts/test_durations.py "$dir/test-results.xml" "$dir/test-durations.csv" >&2 ||
  echo "test: the durations could not be kept" >&2

log=$dir/Testing/Temporary/LastTest.log
cases='^case .* \.\.\. '
echo "test: of the bash tests' cases $(grep -c "${cases}passed" "$log" || true) passed, $(grep -c "${cases}FAILED" "$log" || true) failed" >&2
grep "${cases}FAILED" "$log" | sed 's/^/test:   /' >&2 || true
skipped=$(grep -c '^\[  SKIPPED \] .* ms)$' "$log" 2>/dev/null || true)
if [ "${skipped:-0}" -gt 0 ]; then
  echo "test: $skipped test cases were skipped, for these reasons:" >&2
  sed -n '/: Skipped$/{n;p}' "$log" | sort | uniq -c >&2
fi
if [ "$status" -ne 0 ]; then
  echo "test: FAILED after $((SECONDS - start)) s; the failing tests are listed above" >&2
  exit 1
fi
echo "test: all passed in $((SECONDS - start)) s"
