#!/usr/bin/env bash
# Decoding a part gives the frames of a full decode, bit by bit.  Usage: seek.sh BIN
source "$(dirname "$0")/common.sh"
dec="$bin/semcodec-decode --size work --threads 1 -q -y"

begin "a stream with sound"
# 100 frames at 25 fps, with sound, entry points once a second and one by the way.
ffmpeg -v error -nostdin -i samples/street.mp4 -f lavfi -i sine=frequency=440:duration=4 \
  -map 0:v -map 1:a -c:v copy -c:a aac -b:a 64k "$dir/street.mp4"
"$bin/semcodec-encode" "$dir/street.mp4" "$dir/street.sem" -q --size 192x112 --threads 1 \
  --quality 40 --keyint 1s --force-key 1.6
$dec "$dir/street.sem" "$dir/all.y4m"

cat >"$dir/compare.py" <<'PY'
"""compare.py ALL PART START END: PART holds the frames of ALL from START to before END seconds."""
import sys

def frames(path):
    with open(path, "rb") as stream:
        fields = stream.readline().split()
        width, height = (int(f[1:]) for f in fields[1:3])
        chroma = next((f for f in fields if f.startswith(b"C")), b"C420")
        area = width * height * 3 if chroma == b"C444" else width * height * 3 // 2
        result = []
        while stream.readline():
            result.append(stream.read(area))
        return result

whole, part = frames(sys.argv[1]), frames(sys.argv[2])
start, end = float(sys.argv[3]), float(sys.argv[4])
wanted = [f for i, f in enumerate(whole) if start - 1e-6 <= i / 25 < end - 1e-6]
assert len(whole) == 100, len(whole)
assert len(part) == len(wanted), f"{len(part)} frames, not {len(wanted)}"
different = [i for i, (a, b) in enumerate(zip(part, wanted)) if a != b]
assert not different, f"frames {different} of the part differ"
PY

begin "parts at random"
# Times at random (the same ones every time), the ends, an entry point, and the file cut so that it
# has no index.
head -c -8 "$dir/street.sem" >"$dir/cut.sem"
python3 -c "
import random
random.seed(20)
print('0 0.3'); print('3.9 9'); print('1.6 1.7')
for _ in range(6):
    start = random.uniform(0, 3.8)
    print(f'{start:.3f} {start + random.uniform(0.05, 0.5):.3f}')
" >"$dir/times"
while read -r start end; do
  $dec "$dir/street.sem" "$dir/part.y4m" --start "$start" --to "$end" </dev/null
  python3 "$dir/compare.py" "$dir/all.y4m" "$dir/part.y4m" "$start" "$end" ||
    fail "the part from $start to $end s is another than in the whole"
done <"$dir/times"
begin "without an index, and in a pipe"
$dec "$dir/cut.sem" "$dir/part.y4m" --start 2.2 --to 2.5
python3 "$dir/compare.py" "$dir/all.y4m" "$dir/part.y4m" 2.2 2.5 || fail "no seeking without an index"
$dec - "$dir/part.y4m" --start 0:02.2 --to 0:02.5 <"$dir/street.sem"
python3 "$dir/compare.py" "$dir/all.y4m" "$dir/part.y4m" 2.2 2.5 || fail "no seeking in a pipe"

begin "sound of a part"
# The sound of the part comes along.
$dec "$dir/street.sem" "$dir/part.mp4" --start 2 --to 3
[ "$(frames_of "$dir/part.mp4")" = 25 ] || fail "$(frames_of "$dir/part.mp4") frames in one second"
packets=$(ffprobe -v error -count_packets -select_streams a -show_entries stream=nb_read_packets \
  -of default=nw=1:nk=1 "$dir/part.mp4")
[ "$packets" -ge 40 ] && [ "$packets" -le 45 ] || fail "$packets sound packets in one second, not 43"

begin "what is refused"
refuses 3 "lower --start" $dec "$dir/street.sem" "$dir/x.y4m" --start 60
refuses 2 "behind --start" $dec "$dir/street.sem" "$dir/x.y4m" --start 2 --to 1
[ ! -e "$dir/x.y4m" ] || fail "a refused run left an output"
