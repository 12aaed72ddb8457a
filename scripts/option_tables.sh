#!/usr/bin/env bash
# The tables of options in docs/training.md, as `semcodec-train options --markdown` prints them.
#
#   bash scripts/option_tables.sh [PROGRAM]           writes them between the markers
#   bash scripts/option_tables.sh --check [PROGRAM]   ends with 1 and the differences when they are old
#
# PROGRAM: semcodec-train, by default build/bin/semcodec-train.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
check=no
if [ "${1:-}" = --check ]; then
  check=yes
  shift
fi
program=${1:-$root/build/bin/semcodec-train} doc=$root/docs/training.md
tables=$(mktemp)
trap 'rm -f "$tables" "$tables.md"' EXIT
"$program" options --markdown >"$tables"
[ "$(grep -c '^<!-- options: \(begin\|end\)' "$doc")" -eq 2 ] || {
  echo "option_tables: $doc has not its two markers '<!-- options: begin' and '<!-- options: end'" >&2
  exit 1
}
awk -v tables="$tables" '
  /^<!-- options: end/ { inside = 0 }
  !inside { print }
  /^<!-- options: begin/ {
    inside = 1
    print ""
    while ((getline line < tables) > 0) print line
    print ""
  }' "$doc" >"$tables.md"
if [ $check = yes ]; then
  diff -u "$doc" "$tables.md" || {
    echo "option_tables: docs/training.md is old; run bash scripts/option_tables.sh $program" >&2
    exit 1
  }
else
  cat "$tables.md" >"$doc"
fi
