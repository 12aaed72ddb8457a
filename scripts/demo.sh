#!/usr/bin/env bash
# Encodes a video, decodes it again, and prints rate and quality.
#
#   bash scripts/demo.sh [VIDEO]
#
# Installs and builds first where needed. Without VIDEO it takes a real clip (a highway drive, from
# ../shared, .cache or the network), else the clip that the project renders itself. Leaves
#   out/demo/demo.sem           the stream
#   out/demo/demo.mp4           what the receiver shows
#   out/demo/side-by-side.png   source left, receiver right, at three moments
#   out/demo/quality.json       the figures
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
start_dir=$PWD

say() { printf 'demo: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

case ${1:-} in
  -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;;
  -*) die "unknown option $1; usage: bash scripts/demo.sh [VIDEO]" ;;
esac
[ $# -le 1 ] || die "one video at a time; usage: bash scripts/demo.sh [VIDEO]"
video=${1:-}
if [ -n "$video" ]; then
  case $video in /*) ;; *) video=$start_dir/$video ;; esac
  [ -r "$video" ] || die "$video cannot be read"
fi

cd "$root"
bash scripts/build.sh
bin=build/bin
out=out/demo
mkdir -p "$out"
rm -f "$out"/demo.sem "$out"/demo.mp4 "$out"/side-by-side.png "$out"/quality.json

# The rate and quality marks of the project refer to this clip at this coded size.
size=()
marks=no
if [ -n "$video" ]; then
  say "video: $video"
elif video=$(bash scripts/fetch.sh clips solidWhiteRight --path); then
  say "video: solidWhiteRight.mp4, a highway drive ($video)"
  size=(--size 512x256)
  marks=yes
else
  video=samples/street.mp4
  say "video: $video, rendered by the project; no real clip could be had"
fi

weights=$(bash scripts/fetch.sh weights squeezenet1_1 lpips-squeeze 2>&1) ||
  printf '%s\n' "$weights" >&2

now() { date +%s.%N; }
begin=$(now)
"$bin/semcodec-encode" "$video" "$out/demo.sem" -y "${size[@]}" || die "encoding failed"
encoded=$(now)
"$bin/semcodec-decode" "$out/demo.sem" "$out/demo.mp4" -y || die "decoding failed"
decoded=$(now)

# Quality is judged at the coded size, where the codec works; the stream knows it.
work=$("$bin/semcodec-info" "$out/demo.sem" --json | python3 -c '
import json, sys
def find(j, key):
    if isinstance(j, dict):
        if key in j: return j[key]
        j = list(j.values())
    for value in j if isinstance(j, list) else []:
        found = find(value, key)
        if found is not None: return found
j = json.load(sys.stdin)
w, h = find(j, "coded_width"), find(j, "coded_height")
print(f"{w}x{h}" if w and h else "")') || die "semcodec-info could not read $out/demo.sem"
"$bin/semcodec-eval" "$video" "$out/demo.mp4" --bits "$out/demo.sem" ${work:+--size "$work"} \
  --metrics psnr,ssim,ms-ssim,gmsd,lpips,fd-squeezenet,motion,flicker,warping \
  --json "$out/quality.json" -y >/dev/null || die "the quality could not be measured"

# Three moments, source left, output right, at the coded size.
read -r last eval_width eval_height < <(python3 -c '
import json, sys
j = json.load(open(sys.argv[1]))
print(max(0, j["seconds"] - 1 / j["frame_rate"]), j["width"], j["height"])' "$out/quality.json")
inputs=()
rows=()
n=0
for share in 0.15 0.5 0.85; do
  at=$(python3 -c "print(f'{$last * $share:.3f}')")
  inputs+=(-ss "$at" -i "$video" -ss "$at" -i "$out/demo.mp4")
  scale=scale=$eval_width:$eval_height,setsar=1
  rows+=("[$((2 * n))]${scale}[s$n];[$((2 * n + 1))]${scale}[d$n];[s$n][d$n]hstack[r$n];")
  n=$((n + 1))
done
ffmpeg -v error -nostdin -y "${inputs[@]}" -filter_complex "${rows[*]}[r0][r1][r2]vstack=inputs=3" \
  -frames:v 1 -update 1 "$out/side-by-side.png" || die "side-by-side.png could not be made"
[ -s "$out/side-by-side.png" ] || die "$out/demo.mp4 is too short for side-by-side.png"

python3 - "$out/quality.json" "$marks" "$begin" "$encoded" "$decoded" <<'PY'
import json, sys
j = json.load(open(sys.argv[1]))
marks = sys.argv[2] == "yes"
begin, encoded, decoded = map(float, sys.argv[3:6])
frames = j["frames"]["reference"]
rows = [
    ("rate", j["kbps"], "{:.2f} kbit/s", "at most 14"),
    ("frames shown", j["frames"]["compared"], "{} of %d" % frames, "all"),
    ("LPIPS (squeeze)", j["lpips_squeeze"], "{:.3f}", "at most 0.15"),
    ("PSNR", j["psnr"], "{:.2f} dB", "at least 25"),
    ("SSIM", j["ssim"], "{:.3f}", ""),
    ("motion error", j["motion_error"], "{:.2f}", "below 0.9 (holding frames: 1.2)"),
    ("encoding", frames / (encoded - begin), "{:.1f} frames/s, whole program",
     "at least 60 on two cores"),
    ("decoding", frames / (decoded - encoded), "{:.1f} frames/s, whole program",
     "at least 30 on two cores"),
]
print(f"\nat {j['width']}x{j['height']}, {frames} frames, {j['seconds']:.1f} s, "
      f"{j['stream_bytes']} bytes:")
for name, value, form, mark in rows:
    text = form.format(value) if value is not None else "not measured"
    print(f"  {name:<16} {text:<32}{'mark: ' + mark if marks and mark else ''}".rstrip())
for note in j["notes"]:
    print(f"  note: {note}")
PY
echo
say "done: $out/demo.sem, $out/demo.mp4, $out/side-by-side.png"
