#!/usr/bin/env bash
# Streams that a stranger made to lead the decoder astray.  Usage: hostile.sh BIN
source "$(dirname "$0")/common.sh"
dec=$bin/semcodec-decode

begin "a clip and its stream"
clip 128x96 8 "$dir/clip.y4m"
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/good.sem" -q

# make.py NAME: writes hostile streams with the project's framing (docs/format.md).
cat >"$dir/make.py" <<'PY'
import sys, zlib
def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
def varint(n):
    out = b""
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])
def record(kind, payload):
    body = bytes([0x50 + kind]) + varint(len(payload)) + payload
    return b"\xa7" + body + (crc32c(body) & 0xffffff).to_bytes(3, "little")
def number(field, value): return varint(field << 3) + varint(value)
def text(field, value): return varint(field << 3 | 2) + varint(len(value)) + value
def header(side=64, name=b"", encoder=b""):
    out = text(1, b"sem") + number(2, 3)
    for field in (4, 5, 6, 7): out += number(field, side)
    out += number(8, 1) + number(9, 25) + number(10, 25) + number(11, 1)
    return record(1, out + (text(15, name) if name else b"") + (text(17, encoder) if encoder else b""))
which, path = sys.argv[1:3]
if which == "path": data = header(name=sys.argv[3].encode())
elif which == "escape": data = header(name=b"x\x1b]0;owned\x07", encoder=b"\x1b[2Jme") 
elif which == "large": data = header(side=4096)
elif which == "memory": data = header(side=2048)
open(path, "wb").write(data)
PY

begin "a name that is a path"
# A name is no path: neither a folder nor a FIFO, which would hang, is opened.
mkdir "$dir/trap"
mkfifo "$dir/trap/model.json"
for name in "$dir/trap" ../../x . .. /tmp; do
  python3 "$dir/make.py" path "$dir/path.sem" "$name"
  refuses 5 "no model" timeout 20 "$dec" "$dir/path.sem" "$dir/x.mp4"
done
begin "control characters in texts"
# No text of a stream reaches the terminal as it is.
python3 "$dir/make.py" escape "$dir/escape.sem"
refuses 5 'x1b' timeout 20 "$dec" "$dir/escape.sem" "$dir/x.mp4"
"$bin/semcodec-info" "$dir/escape.sem" >"$dir/info.txt" 2>&1 || true
cat "$dir/err.txt" "$dir/info.txt" | grep -q "$(printf '\033')" && fail "a control character was printed"
begin "sizes that take too much memory"
# Sizes: refused before memory is taken.
python3 "$dir/make.py" large "$dir/large.sem"
refuses 5 "max-size" timeout 20 "$dec" "$dir/large.sem" "$dir/x.mp4"
python3 "$dir/make.py" memory "$dir/memory.sem"
refuses 5 "takes about" timeout 20 "$dec" "$dir/memory.sem" "$dir/x.mp4"
refuses 5 "max-size" "$dec" "$dir/good.sem" "$dir/x.mp4" --max-size 64x64
refuses 2 "size" "$dec" "$dir/good.sem" "$dir/x.mp4" --max-memory much
[ ! -e "$dir/x.mp4" ] || fail "a refused stream left an output"
