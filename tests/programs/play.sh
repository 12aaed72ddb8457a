#!/usr/bin/env bash
# A window, by SDL's driver that keeps pictures as files instead of showing them.  Usage: play.sh BIN
source "$(dirname "$0")/common.sh"
bin=$(realpath "$bin")
dec=$bin/semcodec-decode
export SDL_VIDEODRIVER=dummy

clip 128x96 30 "$dir/clip.y4m"
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/a.sem" -q --profile semantic
refuses 2 "OUTPUT" "$dec" "$dir/a.sem"
got=0
"$dec" "$dir/a.sem" --play -q 2>"$dir/err.txt" || got=$?
if [ $got -eq 5 ]; then
  grep -q "libsdl2-dev" "$dir/err.txt" || fail "without SDL2 --play says: $(cat "$dir/err.txt")"
  echo "play: all good (this build has no window, and says so)"
  exit
fi
[ $got -eq 0 ] || fail "--play ended with $got: $(cat "$dir/err.txt")"

# Every picture is shown, none before its time: 30 of them at 25 a second take 1.2 s.
mkdir "$dir/shown"
cd "$dir/shown"
begin=$(date +%s%N)
SDL_VIDEO_DUMMY_SAVE_FRAMES=1 "$dec" "$dir/a.sem" "$dir/a.y4m" --play --progress none 2>"$dir/err.txt"
took=$((($(date +%s%N) - begin) / 1000000))
grep -q "Wrote $dir/a.y4m: 30 frames. Showed 30 frames." "$dir/err.txt" || fail "said: $(cat "$dir/err.txt")"
[ $took -ge 1200 ] || fail "30 pictures were shown in $took ms"
[ "$(frames_of "$dir/a.y4m")" = 30 ] || fail "the video beside the window has $(frames_of "$dir/a.y4m") frames"
count=$(find . -name '*.bmp' | wc -l)
[ "$count" -ge 30 ] || fail "the window got $count pictures"

# The last one is the video's last one.
last=$(find . -name '*.bmp' | sort | tail -n 1)
ffmpeg -v error -nostdin -i "$dir/a.y4m" -vf "select=eq(n\,29)" -frames:v 1 "$dir/last.png"
psnr=$(ffmpeg -v info -nostdin -i "$last" -i "$dir/last.png" -lavfi "[0]format=rgb24[a];[1]format=rgb24[b];[a][b]psnr" -f null - 2>&1 |
  sed -n 's/.*average:\([0-9]*\|inf\).*/\1/p')
[ "$psnr" = inf ] || [ "${psnr:-0}" -ge 30 ] || fail "the last picture shown is another one: $psnr dB"

# A stream from a pipe; Ctrl-C; no display.
cat "$dir/a.sem" | "$dec" - --play --progress none 2>"$dir/err.txt"
grep -q "Showed 30 frames" "$dir/err.txt" || fail "from a pipe: $(cat "$dir/err.txt")"
mkfifo "$dir/fifo"
"$dec" "$dir/fifo" --play -q 2>"$dir/err.txt" &
pid=$!
exec 5>"$dir/fifo"
head -c $(($(stat -c %s "$dir/a.sem") / 2)) "$dir/a.sem" >&5
sleep 2
kill -INT $pid
got=0
wait $pid || got=$?
exec 5>&-
[ $got -eq 130 ] || fail "Ctrl-C during --play ended with $got: $(cat "$dir/err.txt")"
SDL_VIDEODRIVER=x11 DISPLAY=:987 refuses 7 "display" "$dec" "$dir/a.sem" --play
echo "play: all good"
