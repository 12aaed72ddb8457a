#!/usr/bin/env bash
# semcodec-encode --realtime: frames are dropped rather than waited for.  Usage: realtime.sh BIN
source "$(dirname "$0")/common.sh"
enc=$bin/semcodec-encode

# counts TEXT: "dropped all" of what the encoder says.
counts() { sed -n 's/^\([0-9]*\) of \([0-9]*\) frames were dropped.*/\1 \2/p' "$1"; }

# A file goes in at the pace of its times.
clip 128x96 50 "$dir/clip.y4m"
begin=$(date +%s%N)
"$enc" "$dir/clip.y4m" "$dir/file.sem" --realtime --profile semantic --progress none 2>"$dir/err.txt"
took=$((($(date +%s%N) - begin) / 1000000))
[ $took -ge 1960 ] || fail "50 frames at 25 a second went in within $took ms"
read -r dropped all <<<"$(counts "$dir/err.txt")"
[ "$all" = 50 ] || fail "of a file: $(cat "$dir/err.txt")"
"$bin/semcodec-decode" "$dir/file.sem" "$dir/file.y4m" -q
# Where frames were dropped the one before stands, so that the rest is on time; the last may be one.
[ "$(frames_of "$dir/file.y4m")" -ge $((50 - dropped)) ] || fail "the file has $(frames_of "$dir/file.y4m") frames"

# A pipe that is faster than the encoder: what does not fit is dropped, with a bounded number waiting.
clip 512x256 400 "$dir/fast.y4m"
cat "$dir/fast.y4m" | "$enc" - "$dir/pipe.sem" --realtime --effort 0 --threads 1 --progress none 2>"$dir/err.txt"
read -r dropped all <<<"$(counts "$dir/err.txt")"
[ "$all" = 400 ] && [ "$dropped" -gt 0 ] || fail "of a fast pipe: $(cat "$dir/err.txt")"
"$bin/semcodec-decode" "$dir/pipe.sem" "$dir/pipe.mkv" -q
[ "$(frames_of "$dir/pipe.mkv")" = $((400 - dropped)) ] ||
  fail "$dropped of 400 frames were dropped and $(frames_of "$dir/pipe.mkv") came out"
refuses 2 "two passes" "$enc" "$dir/clip.y4m" "$dir/x.sem" --realtime --passes 2 --bitrate 8k
echo "realtime: all good"
