# Sourced by the bash tests: a name for every case, scratch space, and a line that sums up.
#
#   begin NAME       what follows, up to the next begin, is the case NAME
#   fail SENTENCE    the case has failed; the test ends
#   skip SENTENCE    the rest of the test is skipped, with the reason (status 77)
#
# Each case prints `case NAME ... passed` or `... FAILED`, with the seconds that it took. A command that
# fails under `set -e`, such as Python whose assertion does not hold, fails its case as `fail` does.
# $dir is a scratch folder, removed at the end; define cleanup() for what else has to go.
set -euo pipefail
dir=$(mktemp -d)
_case='' _case_start=$SECONDS _cases_passed=0

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

_case_ended() {
  [ -z "$_case" ] || echo "case $_case ... $1 ($((SECONDS - _case_start)) s)"
}

begin() {
  if [ -n "$_case" ]; then
    _case_ended passed
    _cases_passed=$((_cases_passed + 1))
  fi
  _case=$*
  _case_start=$SECONDS
}

_test_ended() {
  local status=$? name
  trap - EXIT
  name=$(basename "$0" .sh)
  set +e
  case $status in
    0)
      begin
      echo "$name: $_cases_passed cases, all passed"
      ;;
    77)
      _case_ended skipped
      echo "$name: $_cases_passed cases passed, the rest was skipped"
      ;;
    *)
      : "${_case:=preparation}"
      _case_ended FAILED
      echo "$name: $_cases_passed cases passed, then '$_case' FAILED with status $status; the rest was not run"
      ;;
  esac
  [ "$(type -t cleanup)" != function ] || cleanup
  rm -rf "$dir"
  exit "$status"
}
trap _test_ended EXIT
