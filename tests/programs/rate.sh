#!/usr/bin/env bash
# Rate control, structure and statistics of the encoder, on the sample clip.  Usage: rate.sh BIN
source "$(dirname "$0")/common.sh"
street=samples/street.mp4  # 100 frames at 25 fps

# encode NAME OPTIONS...: to $dir/NAME.sem with statistics in $dir/NAME.json, messages in NAME.txt.
encode() {
  local name=$1
  shift
  "$bin/semcodec-encode" "$street" "$dir/$name.sem" -y --size 256x144 --threads 1 --progress none \
    --profile "${profile:-semantic}" --stats "$dir/$name.json" "$@" 2>"$dir/$name.txt" || fail "$*: $(cat "$dir/$name.txt")"
}
bytes() { stat -c %s "$dir/$1.sem"; }
# within NAME BYTES PERCENT
within() {
  python3 -c "import sys; n, t, p = map(float, sys.argv[1:]); sys.exit(abs(n / t - 1) > p / 100)" \
    "$(bytes "$1")" "$2" "$3" || fail "$1 took $(bytes "$1") bytes, not $2 within $3 %: $(cat "$dir/$1.txt")"
}

begin "planes: rate rises with quality"
# Rate rises with quality.
last=0
for quality in 0 10 20 30 40 50 60 70 80 90 100; do
  encode "q$quality" --quality $quality
  [ "$(bytes "q$quality")" -gt "$last" ] ||
    fail "quality $quality takes $(bytes "q$quality") bytes, ten less take $last"
  last=$(bytes "q$quality")
done

begin "planes: targets"
# Targets in the middle of the scale. The clip has 4 s, half of what the marks are for, so one pass
# gets twice its mark.
target=$((($(bytes q30) + $(bytes q50)) / 2))
encode two --bitrate $((target * 8 / 4)) --passes 2
within two $target 5
encode one --bitrate $((target * 8 / 4)) --passes 1
within one $target 20
encode size --target-size "$target"
within size $target 5
begin "planes: statistics of rate control"
python3 - "$dir" "$target" <<'PY' || fail "the statistics of rate control are wrong"
import json, os, sys
folder, target = sys.argv[1], float(sys.argv[2])
two, one, size = (json.load(open(f"{folder}/{n}.json")) for n in ("two", "one", "size"))
assert [p["control"] for p in one["passes"]] == ["one-pass"], one["passes"]
assert two["passes"][0]["control"] == "one-pass" and len(two["passes"]) in (2, 3, 4), two["passes"]
assert all(p["control"] == "planned" for p in two["passes"][1:])
kept = [p for p in two["passes"] if p["kept"]]
assert len(kept) == 1 and kept[0]["bytes"] == two["bytes"] == os.path.getsize(f"{folder}/two.sem")
# The kept pass is the nearest of those that count.
nearest = min(two["passes"][1:], key=lambda p: abs(p["bytes"] - target))
assert abs(nearest["bytes"] - target) == abs(two["bytes"] - target), two["passes"]
# One quality all along: no sawtooth.
assert len({a["quality"] for a in two["coded_frames"]}) == 1
# A step of the ladder is filled by up to 0.9 octaves of rate, and the trim adds a quarter
# (docs/rate-control.md).
scales = [a["interval_scale"] for a in two["coded_frames"]]
assert 0.4 < min(scales) and max(scales) < 2.5, scales
for stats, kind in ((two, "bitrate"), (size, "size")):
    assert stats["target"]["kind"] == kind
    assert abs(stats["target"]["error"] - (stats["bytes"] / target - 1)) < 1e-3, stats["target"]
    assert abs(sum(stats["bits"].values()) - 8 * stats["bytes"]) < 1
    planes = {m: sum(a["bits_" + m] for a in stats["coded_frames"]) for m in ("motion", "labels")}
    assert all(abs(planes[m] - stats["bits"][m]) < 1 for m in planes)
PY

begin "planes: beyond the ends of the scale"
# Beyond the ends of the scale: said in a sentence, and the end itself is written.
encode floor --bitrate 150
grep -q "least that this video takes" "$dir/floor.txt" || fail "no word of the floor: $(cat "$dir/floor.txt")"
within floor "$(bytes q0)" 5
encode ceiling --bitrate 10M
grep -q "most that this video takes" "$dir/ceiling.txt" || fail "no word of the ceiling: $(cat "$dir/ceiling.txt")"
within ceiling "$(bytes q100)" 5

begin "planes: the peak limit"
# The peak: a bucket filled by the coded frames' bytes as they are in the file never overflows.
free=$(python3 -c "import json,sys; print(int(json.load(open(sys.argv[1]))['bit_per_second']))" "$dir/q60.json")
encode peak --quality 60 --max-rate $((free * 6 / 10)) --rate-window 1s
python3 - "$dir/peak.json" "$dir/q60.json" $((free * 6 / 10)) <<'PY' || fail "the peak limit does not hold"
import json, sys
def overflow(coded_frames, rate, window):
    level = time = most = 0
    for a in coded_frames:
        level = max(0, level - rate * (a["seconds"] - time)) + 8 * a["bytes"]
        time, most = a["seconds"], max(most, level)
    return most - rate * window
rate = float(sys.argv[3])
peak, free = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
assert overflow(free["coded_frames"], rate, 1) > 0, "the limit limits nothing"
assert overflow(peak["coded_frames"], rate, 1) <= 0, peak["target"]
assert peak["target"]["overflows"] == 0
PY
encode tight --quality 60 --max-rate 100 --rate-window 1s
grep -q "did not fit --max-rate" "$dir/tight.txt" || fail "a peak that cannot be kept was not reported"

begin "forced entry points and latency"
# Structure.
encode keys --quality 20 --force-key 1,0:03 --keyint 0
python3 - "$dir/keys.json" <<'PY' || fail "--force-key did not give the entry points asked for"
import json, sys
entries = [a["seconds"] for a in json.load(open(sys.argv[1]))["coded_frames"] if a["entry_point"] and not a["cut"]]
assert [round(t, 2) for t in entries] == [0, 1, 3], entries
PY
encode live --quality 0 --latency 160ms
grep -q "160 ms" "$dir/live.txt" || fail "the latency was not printed"
python3 - "$dir/live.json" "$dir/q0.json" <<'PY' || fail "a frame waits too long for its coded_frame"
import json, sys
most = [max(a["interpolated_frames"] for a in json.load(open(f))["coded_frames"]) for f in sys.argv[1:]]
assert most[0] == 4 and most[1] > 10, most  # 160 ms are 4 frames
PY

begin "pipes"
# Pipes.
y4m() { ffmpeg -v error -nostdin -i "$street" -vf scale=256:144 -f yuv4mpegpipe -; }
y4m | "$bin/semcodec-encode" - "$dir/pipe.sem" -q --threads 1 --profile semantic --bitrate 6k --stats "$dir/pipe.json"
python3 -c "import json,sys; sys.exit(len(json.load(open(sys.argv[1]))['passes']) != 1)" "$dir/pipe.json" ||
  fail "a pipe was not encoded in one pass"
refuses 2 "is a pipe" "$bin/semcodec-encode" - "$dir/x.sem" --bitrate 6k --passes 2 </dev/null
y4m >"$dir/size.y4m"  # a regular file on stdin tells its length, a pipe does not
refuses 2 "how long the video is" \
  bash -o pipefail -c "cat '$dir/size.y4m' | '$bin/semcodec-encode' - '$dir/x.sem' --target-size 9K"

begin "options that contradict each other"
# What contradicts itself.
encoder="$bin/semcodec-encode $street $dir/x.sem"
refuses 2 "contradict" $encoder --bitrate 8k --target-size 9K
refuses 2 "peak cannot be lower" $encoder --bitrate 8k --max-rate 4k
refuses 2 "aim at" $encoder --passes 2
refuses 2 "low-delay" $encoder --bitrate 8k --passes 2 --low-delay
refuses 2 "size in bytes" $encoder --target-size big
refuses 2 "0.1 to 60" $encoder --max-rate 8k --rate-window 0s
[ ! -e "$dir/x.sem" ] || fail "a refused run left an output"

begin "base pictures: rate rises with quality"
# Base pictures: rate rises with quality, and targets are met. What can only be had with planes is
# refused in a sentence. At the bottom the smallest pictures at the largest quantiser may be the same for two qualities.
profile=hybrid
last=0
for quality in 0 15 30 45 60 75 90 100; do
  encode "h$quality" --quality $quality --effort 6
  [ "$(bytes "h$quality")" -ge "$last" ] ||
    fail "hybrid quality $quality takes $(bytes "h$quality") bytes, less took $last"
  last=$(bytes "h$quality")
done
begin "base pictures: targets, and what is refused"
target=$((($(bytes h30) + $(bytes h60)) / 2))
encode htwo --bitrate $((target * 8 / 4)) --passes 2 --effort 6
within htwo $target 5
refuses 2 "max-rate" $encoder --profile hybrid --max-rate 8k
refuses 2 "maps" $encoder --profile hybrid --maps "$dir/maps"
begin "the profile that auto takes"
profile=auto
encode auto --bitrate 1k
encode auto2 --bitrate 9k --effort 6
"$bin/semcodec-info" "$dir/auto.sem" | grep -q "profile  *semantic" || fail "1 kbit/s: not semantic"
"$bin/semcodec-info" "$dir/auto2.sem" | grep -q "profile  *hybrid" || fail "9 kbit/s: not hybrid"

begin "the numbers of semcodec-info"
# The chart of semcodec-info: plain in a pipe, and the same numbers in the JSON.
"$bin/semcodec-info" "$dir/two.sem" >"$dir/info.txt"
grep -q "over time, 0.1 s a column" "$dir/info.txt" || fail "no chart: $(cat "$dir/info.txt")"
! grep -qP '[^\x00-\x7F]' "$dir/info.txt" || fail "the chart in a pipe is not plain"
"$bin/semcodec-info" "$dir/two.sem" --json >"$dir/info.json"
python3 - "$dir/info.json" "$dir/info.txt" <<'PY' || fail "the numbers of semcodec-info do not agree"
import json, sys
info = json.load(open(sys.argv[1]))
bits, times = info["bits"], info["over_time"]
assert times["seconds_per_column"] == 0.1 and len(times["bits"]["all"]) == 40, times
for part in ("motion", "structure", "labels", "records"):
    assert abs(sum(times["bits"][part]) - bits[part]) < 1, part
peak = max(times["bits"]["all"]) / 0.1 / 1000
assert f" {peak:.2f} kbit/s" in open(sys.argv[2]).read(), peak
PY
