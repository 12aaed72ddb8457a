#!/usr/bin/env bash
# Encode, decode, compare: frames, times, sizes, side outputs.  Usage: roundtrip.sh BIN
source "$(dirname "$0")/common.sh"

begin "planes: frames and size"
clip 256x144 33 "$dir/clip.y4m"
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/clip.sem" -q --profile semantic \
  --stats "$dir/stats.json" --maps "$dir/maps"
"$bin/semcodec-decode" "$dir/clip.sem" "$dir/back.mp4" -q
[ "$(frames_of "$dir/back.mp4")" = 33 ] || fail "not all frames came back"
[ "$(size_of "$dir/back.mp4")" = 256x144 ] || fail "the size changed to $(size_of "$dir/back.mp4")"

begin "planes: statistics and maps"
python3 - "$dir/stats.json" "$dir/clip.sem" "$dir/maps" <<'PY' || fail "statistics or maps are wrong"
import json, os, sys
stats = json.load(open(sys.argv[1]))
assert stats["frames"] == 33 and stats["bytes"] == os.path.getsize(sys.argv[2]), stats
coded_frames = stats["coded_frames"]
assert sum(1 + a["interpolated_frames"] for a in coded_frames) == 33
assert coded_frames[0]["entry_point"] and not coded_frames[1]["entry_point"]
assert all(a["bits_labels"] > 0 for a in coded_frames)
maps = sorted(os.listdir(sys.argv[3]))
assert len(maps) == 2 * len(coded_frames), maps
assert all(open(os.path.join(sys.argv[3], m), "rb").read(8) == b"\x89PNG\r\n\x1a\n" for m in maps)
PY

begin "planes: the same stream twice"
# The stream is the same every time, and so are the planes.
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/again.sem" -q --profile semantic
cmp "$dir/clip.sem" "$dir/again.sem" || fail "encoding twice gave different streams"

begin "base pictures: the same stream twice, statistics"
# Base pictures, the default: the same every time; detail and the receiver's delay are choices.
for name in base base-again; do
  "$bin/semcodec-encode" "$dir/clip.y4m" "$dir/$name.sem" -q --stats "$dir/$name.json"
done
cmp "$dir/base.sem" "$dir/base-again.sem" || fail "encoding base pictures twice gave different streams"
python3 - "$dir/base.json" <<'PY' || fail "the statistics of base pictures are wrong"
import json, sys
stats = json.load(open(sys.argv[1]))
assert sum(1 + a["interpolated_frames"] for a in stats["coded_frames"]) == 33
assert all(a["bits_base"] > 0 for a in stats["coded_frames"])
assert abs(sum(a["bits_base"] for a in stats["coded_frames"]) - stats["bits"]["base"]) < 1
PY
"$bin/semcodec-info" "$dir/base.sem" | grep -q "profile  *hybrid" || fail "base pictures are not the default"
begin "base pictures: detail and delay"
for options in "" "--detail 0" "--detail 1" "--low-delay"; do
  "$bin/semcodec-decode" "$dir/base.sem" "$dir/base.y4m" -y -q $options
  [ "$(frames_of "$dir/base.y4m")" = 33 ] || fail "not all frames came back with '$options'"
  md5sum <"$dir/base.y4m" >>"$dir/pictures.txt"
done
[ "$(sort -u "$dir/pictures.txt" | wc -l)" = 4 ] || fail "--detail or --low-delay changed nothing"

begin "the paper profile"
# Every frame a coded frame in the paper profile.
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/paper.sem" -q --profile paper --limit 6 --stats "$dir/p.json"
python3 -c "import json,sys; a=json.load(open(sys.argv[1]))['coded_frames']; sys.exit(len(a)!=6)" "$dir/p.json" ||
  fail "the paper profile skipped frames"

begin "more quality, more bits"
# More quality, more bits.
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/low.sem" -q --quality 10
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/high.sem" -q --quality 90
[ "$(stat -c %s "$dir/low.sem")" -lt "$(stat -c %s "$dir/high.sem")" ] ||
  fail "quality 90 is not larger than quality 10"

begin "skip, limit, sizes, side by side"
# Skip and limit on both sides; output at another size; side by side.
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/part.sem" -q --skip 5 --limit 12
"$bin/semcodec-decode" "$dir/part.sem" "$dir/part.mp4" -q --skip 2 --limit 7 --size 128x72
[ "$(frames_of "$dir/part.mp4")" = 7 ] || fail "--skip and --limit gave $(frames_of "$dir/part.mp4")"
[ "$(size_of "$dir/part.mp4")" = 128x72 ] || fail "--size was not taken"
"$bin/semcodec-decode" "$dir/part.sem" "$dir/both.mp4" -q --side-by-side "$dir/clip.y4m"
[ "$(size_of "$dir/both.mp4")" = 512x144 ] || fail "side by side is $(size_of "$dir/both.mp4")"

begin "odd sizes, sound, variable frame times"
# An odd size, small; audio carried through as it is; variable frame times kept.
ffmpeg -v error -nostdin -f lavfi -i testsrc=size=251x143:rate=25:duration=1.2 \
  -f lavfi -i sine=frequency=440:duration=1.2 \
  -vf "select='not(eq(n,7))*not(eq(n,8))*not(eq(n,19))',setpts=PTS" -fps_mode passthrough \
  -c:v libx264 -preset veryfast -pix_fmt yuv444p -c:a aac -b:a 64k "$dir/odd.mp4"
"$bin/semcodec-encode" "$dir/odd.mp4" "$dir/odd.sem" -q
"$bin/semcodec-decode" "$dir/odd.sem" "$dir/odd-back.mp4" -q
[ "$(size_of "$dir/odd-back.mp4")" = 251x143 ] || fail "an odd size became $(size_of "$dir/odd-back.mp4")"
times() { ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d , | sort -n; }
diff <(times "$dir/odd.mp4") <(times "$dir/odd-back.mp4") || fail "frame times changed"
sound() { ffmpeg -v error -nostdin -i "$1" -map a -c copy -f framemd5 - | grep -v '^#' | awk '{print $NF}'; }
diff <(sound "$dir/odd.mp4") <(sound "$dir/odd-back.mp4") || fail "audio packets changed"

begin "version, progress, configuration file"
"$bin/semcodec-encode" --version | grep -q libavcodec || fail "--version names no libraries"
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/json.sem" --progress json 2>&1 >/dev/null |
  grep -q '"event":"done"' || fail "no machine-readable progress"
printf 'quality = 10\n' >"$dir/options.toml"
"$bin/semcodec-encode" --config "$dir/options.toml" "$dir/clip.y4m" "$dir/config.sem" -q
cmp "$dir/config.sem" "$dir/low.sem" || fail "--config gave another stream than --quality"
