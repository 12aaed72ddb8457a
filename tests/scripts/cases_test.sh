#!/usr/bin/env bash
# tests/cases.sh: names, summary and status of tests that pass, fail in one of three ways, or are skipped.
source "$(dirname "${BASH_SOURCE[0]}")/../cases.sh"
helper=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../cases.sh")

# expect STATUS COMMANDS LINE...: a test of these commands ends with that status and prints these lines
# (patterns), and its scratch folder is gone.
expect() {
  local status=$1 got=0 line
  printf 'source %s\necho "scratch $dir"\n%s\n' "$helper" "$2" >"$dir/inner.sh"
  shift 2
  bash "$dir/inner.sh" >"$dir/inner.txt" 2>&1 || got=$?
  [ "$got" -eq "$status" ] || fail "status $got, not $status: $(cat "$dir/inner.txt")"
  for line in "$@"; do
    grep -qx -- "$line" "$dir/inner.txt" || fail "no line '$line' in: $(cat "$dir/inner.txt")"
  done
  [ ! -e "$(sed -n 's/^scratch //p' "$dir/inner.txt")" ] || fail "the scratch folder is left"
}

begin "all pass"
expect 0 'begin one; begin "two words"; true' 'case one ... passed ([0-9]* s)' \
  'case two words ... passed ([0-9]* s)' 'inner: 2 cases, all passed'

begin "fail"
expect 1 'begin one; begin two; fail "no good"; begin three' 'case one ... passed (.*' 'FAILED: no good' \
  'case two ... FAILED (.*' "inner: 1 cases passed, then 'two' FAILED with status 1; the rest was not run"
! grep -q three "$dir/inner.txt" || fail "a case behind the failed one has run"

begin "a command that fails"
expect 3 'begin one; (exit 3); begin two' 'case one ... FAILED (.*'

begin "an assertion in Python that does not hold"
expect 1 'begin one; python3 -c "assert 1 == 2"; begin two' 'AssertionError' 'case one ... FAILED (.*'

begin "a failure before the first case"
expect 1 'false; begin one' 'case preparation ... FAILED (.*'

begin "skipped, with a clean-up"
expect 77 'cleanup() { echo cleaned; }; begin one; begin two; skip "no such thing here"' \
  'case one ... passed (.*' 'skipped: no such thing here' 'case two ... skipped (.*' cleaned \
  'inner: 1 cases passed, the rest was skipped'
