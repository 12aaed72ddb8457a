#!/usr/bin/env bash
# Streams that are cut or damaged decode as far as they go and say so.  Usage: damage.sh BIN
source "$(dirname "$0")/common.sh"
dec=$bin/semcodec-decode

begin "a clip and its stream"
clip 128x96 40 "$dir/clip.y4m"
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/good.sem" -q --keyint 0.5s
size=$(stat -c %s "$dir/good.sem")

begin "streams cut short"
for share in 50 75 95; do
  head -c $((size * share / 100)) "$dir/good.sem" >"$dir/cut.sem"
  "$dec" "$dir/cut.sem" "$dir/cut.mp4" -y 2>"$dir/err.txt" || fail "a stream cut at $share % did not decode: $(cat "$dir/err.txt")"
  grep -q "truncated" "$dir/err.txt" || fail "a stream cut at $share % is not called truncated"
  frames=$(frames_of "$dir/cut.mp4")
  [ "$frames" -ge 1 ] && [ "$frames" -le 40 ] || fail "$frames frames from a stream cut at $share %"
done

begin "a flipped bit, entry points behind it"
# One flipped bit in the middle: the rest after the next entry point is there.
python3 - "$dir/good.sem" "$dir/bad.sem" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 0x10
open(sys.argv[2], "wb").write(data)
PY
"$dec" "$dir/bad.sem" "$dir/bad.mp4" 2>"$dir/err.txt" || fail "one flipped bit stopped the decoder: $(cat "$dir/err.txt")"
grep -q "damaged" "$dir/err.txt" || fail "damage was not reported"
refuses 4 "bad.sem" "$dec" "$dir/bad.sem" "$dir/strict.mp4" --strict
[ ! -e "$dir/strict.mp4" ] || fail "--strict left an output behind"

begin "a flipped bit, no entry point behind it"
# Nothing to start again from behind the damage: every frame is shown all the same, and how many of
# them were made up is said.
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/lone.sem" -q --keyint 0 --no-scene-cut --profile semantic
python3 - "$dir/lone.sem" "$dir/hurt.sem" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 0x10
open(sys.argv[2], "wb").write(data)
PY
for delay in "" --low-delay; do
  "$dec" "$dir/hurt.sem" "$dir/hurt.mp4" -y $delay --progress none 2>"$dir/err.txt" ||
    fail "damage without a later entry point stopped the decoder: $(cat "$dir/err.txt")"
  grep -Eq "[1-9][0-9]* frames were lost and concealed" "$dir/err.txt" || fail "concealed frames were not counted: $(cat "$dir/err.txt")"
  [ "$(frames_of "$dir/hurt.mp4")" -eq 40 ] || fail "$(frames_of "$dir/hurt.mp4") frames of 40 are shown"
done

begin "Ctrl-C while encoding"
# Ctrl-C while encoding leaves a stream that decodes as far as it got. A source without an end
# keeps the encoder busy until the signal comes.
mkfifo "$dir/endless"
ffmpeg -v quiet -nostdin -re -f lavfi -i testsrc2=size=128x96:rate=25 -f yuv4mpegpipe - \
  >"$dir/endless" 2>/dev/null &
"$bin/semcodec-encode" - "$dir/stopped.sem" -q <"$dir/endless" &
encoder=$!
sleep 5
kill -INT $encoder
status=0
wait $encoder || status=$?
[ "$status" -eq 130 ] || fail "Ctrl-C ended with $status, not 130"
[ -e "$dir/stopped.sem" ] || fail "Ctrl-C left no stream"
"$dec" "$dir/stopped.sem" "$dir/stopped.mp4" -q || fail "what Ctrl-C left does not decode"
[ "$(frames_of "$dir/stopped.mp4")" -ge 10 ] || fail "Ctrl-C left too few frames"
