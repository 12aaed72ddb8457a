#!/usr/bin/env bash
# Golden streams decode to the same planes on every machine.  Usage: golden.sh BIN
#
# samples/golden/NAME.sem with NAME.digests, one "pts md5-of-the-planes" a line. After a wanted
# change of the format: samples/make_golden.sh
source "$(dirname "$0")/common.sh"

count=0
for stream in samples/golden/*.sem; do
  begin "$stream"
  "$bin/semcodec-info" "$stream" --json --digests >"$dir/info.json" || fail "$stream cannot be read"
  python3 samples/digests.py "$dir/info.json" >"$dir/digests"
  diff "${stream%.sem}.digests" "$dir/digests" || fail "the planes of $stream differ"
  count=$((count + 1))
done
begin "there are golden streams"
[ "$count" -ge 2 ] || fail "only $count golden streams were found"
