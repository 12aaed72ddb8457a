#!/usr/bin/env bash
# Annotated pictures become stores, and an edge network learns from them.
source "$(dirname "${BASH_SOURCE[0]}")/../programs/common.sh" "$1"

begin "stores of annotated pictures"
# Two sizes, squares on grey, their outlines marked by all (255), half (128) or none of the
# annotators; one picture's annotation is black, one has another size, one is missing.
python3 - "$dir/set" <<'PY'
import os, struct, sys, zlib

def png(path, width, height, channels, value):
    rows = b"".join(b"\0" + bytes(b for x in range(width) for b in value(x, y)) for y in range(height))
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" +
                   chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))

root = sys.argv[1]
for index in range(6):
    width, height = (64, 48) if index < 4 else (48, 64)
    left, top = 8 + index, 10
    inside = lambda x, y: left <= x < left + 20 and top <= y < top + 20
    outline = lambda x, y: inside(x, y) and not (left < x < left + 19 and top < y < top + 19)
    mark = 255 if index % 2 == 0 else 128
    png(f"{root}/images/{index}.png", width, height, 3,
        lambda x, y: (200, 180, 90) if inside(x, y) else (50, 60, 70))
    png(f"{root}/groundTruth/{index}.png", width, height, 1,
        lambda x, y: (mark if outline(x, y) else 0,))
png(f"{root}/images/black.png", 64, 48, 3, lambda x, y: (9, 9, 9))
png(f"{root}/groundTruth/black.png", 64, 48, 1, lambda x, y: (0,))
png(f"{root}/images/odd.png", 64, 48, 3, lambda x, y: (9, 9, 9))
png(f"{root}/groundTruth/odd.png", 48, 48, 1, lambda x, y: (255,))
png(f"{root}/images/alone.png", 64, 48, 3, lambda x, y: (9, 9, 9))
PY
"$bin/semcodec-train" prepare --annotated "$dir/set" --output "$dir/store" >"$dir/out.txt" 2>&1 ||
  fail "$(cat "$dir/out.txt")"
grep -q "1 pictures have no annotation" "$dir/out.txt" || fail "$(cat "$dir/out.txt")"
grep -q "black.png.*is black" "$dir/store/skipped.txt" || fail "$(cat "$dir/store/skipped.txt")"
grep -q "odd.png.*another size" "$dir/store/skipped.txt" || fail "$(cat "$dir/store/skipped.txt")"

begin "marks in the stores"
# The marks are what was drawn: as many, and as bright.
python3 - "$dir/store" <<'PY'
import struct, sys
for size, count in (((64, 48), 4), ((48, 64), 2)):
    base = f"{sys.argv[1]}/annotated-{size[0]}x{size[1]}"
    for ending, channels in ((".frames", 3), (".labels", 1)):
        data = open(base + ending, "rb").read()
        assert data[:8] == b"SEMFRAME"
        version, width, height, of, frames = struct.unpack_from("<IIIIQ", data, 8)
        assert (version, width, height, of, frames) == (1, *size, channels, count), (base, ending)
        area = width * height * channels
        for index in range(frames):
            frame = data[64 + index * area : 64 + (index + 1) * area]
            if channels == 3:
                assert max(frame) in range(195, 206), max(frame)
                continue
            want = 255 if index % 2 == 0 else 128
            marks = [value for value in frame if value > 16]
            assert len(marks) == 76, len(marks)
            assert all(abs(value - want) <= 1 for value in marks), set(marks)
            assert all(value <= 1 for value in frame if value <= 16)
PY

begin "the edge stage learns from them"
edges() {
  "$bin/semcodec-train" edges --set output="$dir/edges" --set edges.crop=32 --set edges.batch=2 \
    --set edges.steps=3 --set device=cpu --set threads=1 -q "$@"
}
edges --set data="$dir/store" || fail "the edge stage does not take the stores"
[ -s "$dir/edges/edges.safetensors" ] || fail "no weights"
edges --set data="$dir/store" --set edges.annotations="$dir/store" --set edges.steps=4 --resume ||
  fail "the edge stage does not take stores beside its data"
begin "the same weights twice"
# The same weights every time.
for run in first second; do
  edges --set data="$dir/store" --set output="$dir/$run" --deterministic
done
cmp "$dir/first/edges.safetensors" "$dir/second/edges.safetensors" ||
  fail "training twice gave different weights"
begin "what is refused"
refuses 2 "nothing to learn from" edges --set data="$dir/store" --set edges.labels=0

mkdir "$dir/empty"
refuses 3 "No picture with an annotation" "$bin/semcodec-train" prepare --annotated "$dir/empty" \
  --output "$dir/none"
