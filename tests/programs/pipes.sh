#!/usr/bin/env bash
# "-" on either side of both ends.  Usage: pipes.sh BIN
source "$(dirname "$0")/common.sh"

begin "files"
clip 128x96 20 "$dir/clip.y4m"
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/file.sem" -q
"$bin/semcodec-decode" "$dir/file.sem" "$dir/file.y4m" -q

begin "pipes"
cat "$dir/clip.y4m" | "$bin/semcodec-encode" - - -q | "$bin/semcodec-decode" - - -q >"$dir/piped.y4m"
[ "$(frames_of "$dir/piped.y4m")" = 20 ] || fail "the pipe delivered $(frames_of "$dir/piped.y4m") frames"
cmp "$dir/piped.y4m" "$dir/file.y4m" || fail "the pipe delivered other pictures than the files"
"$bin/semcodec-decode" "$dir/file.sem" - --format mp4 -q >"$dir/piped.mp4"
[ "$(frames_of "$dir/piped.mp4")" = 20 ] || fail "mp4 through a pipe lost frames"
