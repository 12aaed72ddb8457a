#!/usr/bin/env bash
# semcodec-models: the list, and each kind of network alone.  Usage: models.sh BIN
source "$(dirname "$0")/common.sh"
models=$bin/semcodec-models
export OMP_NUM_THREADS=1

begin "pictures and weights"
# Two pictures of an odd size, a moment apart (cut in RGB: 4:2:0 has even sizes only).
clip 128x96 6 "$dir/clip.y4m"
ffmpeg -v error -nostdin -i "$dir/clip.y4m" -vf "select='eq(n,0)+eq(n,5)',format=rgb24,crop=107:83:3:5" \
  -fps_mode passthrough "$dir/picture%d.png"
a=$dir/picture1.png b=$dir/picture2.png
for name in pidinet pidinet-small pidinet-tiny flownet2 flownet2-{c,s,sd,cs,css} squeezenet \
  alexnet lpips-squeeze lpips-alex; do
  "$bin/seeded_weights" "$name" "$dir/$name.safetensors"
done

begin "the list"
# The list: the shipped files with their real digests, and what can be fetched.
"$models" list >"$dir/list.txt"
grep -q "default/edges.safetensors" "$dir/list.txt" || fail "the list lacks the shipped edges"
grep -q "raw.githubusercontent.com" "$dir/list.txt" || fail "the list has no addresses"
"$models" list --json >"$dir/list.json"
SEMCODEC_WEIGHTS=$dir "$models" list --json >"$dir/list_here.json"
python3 - "$dir" <<'PY'
import hashlib, json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
there = json.loads((folder / "list.json").read_text())
for entry in there["shipped"]:
    data = pathlib.Path(entry["path"]).read_bytes()
    assert len(data) == entry["size"] and hashlib.sha256(data).hexdigest() == entry["sha256"], entry
assert {e["file"] for e in there["shipped"]} >= {"edges.safetensors", "generator.safetensors"}
known = {e["name"] for e in json.loads(pathlib.Path("models/weights.json").read_text())["weights"]}
assert {e["name"] for e in there["fetchable"]} == known
assert all(e["address"].startswith("https://") and e["licence"] for e in there["fetchable"])
here = json.loads((folder / "list_here.json").read_text())
assert [e["path"] for e in here["fetchable"] if e["name"] == "pidinet"] == \
    [str(folder / "pidinet.safetensors")]
PY

begin "edges"
cat >"$dir/read.py" <<'PY'
"""read.py KIND FILE WxH: checks a .npy of edges or flow, prints its mean length or value."""
import ast, struct, sys
kind, path, size = sys.argv[1:4]
width, height = map(int, size.split("x"))
data = open(path, "rb").read()
assert data[:8] == b"\x93NUMPY\x01\x00", "no .npy"
length, = struct.unpack("<H", data[8:10])
assert (10 + length) % 64 == 0 and data[9 + length:10 + length] == b"\n"
header = ast.literal_eval(data[10:10 + length].decode())
shape = (2, height, width) if kind == "flow" else (height, width)
assert header == {"descr": "<f4", "fortran_order": False, "shape": shape}, header
count = width * height * (2 if kind == "flow" else 1)
values = struct.unpack(f"<{count}f", data[10 + length:])
assert all(v == v and abs(v) < 1e6 for v in values), "not finite"
if kind == "flow":
    assert max(map(abs, values)) > 1e-3, "no motion at all"
else:
    assert 0 <= min(values) < max(values) <= 1, (min(values), max(values))
if len(sys.argv) > 4:  # the .flo file of the same run
    flo = open(sys.argv[4], "rb").read()
    assert struct.unpack("<fii", flo[:12]) == (202021.25, width, height)
    pairs = struct.unpack(f"<{count}f", flo[12:])
    assert pairs[0::2] == values[:count // 2] and pairs[1::2] == values[count // 2:]
PY
edges() {  # NAME WEIGHTS
  "$models" run "$1" "$2" "$a" "$dir/out.npy" -q -y
  python3 "$dir/read.py" edges "$dir/out.npy" 107x83 || fail "$1 gave wrong edges"
  "$models" run "$1" "$2" "$a" "$dir/out.png" -q -y --threads 2
  [ "$(size_of "$dir/out.png")" = 107x83 ] || fail "$1 gave a picture of another size"
}
for name in pidinet pidinet-small pidinet-tiny; do edges "$name" "$dir/$name.safetensors"; done
edges pidinet-tiny models/zoo/default/edges.safetensors
edges pidinet-tiny default
begin "flow"
for name in flownet2 flownet2-{c,s,sd,cs,css}; do
  "$models" run "$name" "$dir/$name.safetensors" "$a" "$b" "$dir/flow.npy" -q -y
  "$models" run "$name" "$dir/$name.safetensors" "$a" "$b" "$dir/flow.flo" -q -y
  python3 "$dir/read.py" flow "$dir/flow.npy" 107x83 "$dir/flow.flo" || fail "$name: wrong flow"
done
begin "weights by name"
# A converted file that lies in the folder of weights is found by its name.
SEMCODEC_WEIGHTS=$dir "$models" run flownet2-s flownet2-s "$a" "$b" "$dir/named.flo" -q
"$models" run flownet2-s "$dir/flownet2-s.safetensors" "$a" "$b" "$dir/flow.flo" -q -y
cmp "$dir/named.flo" "$dir/flow.flo" || fail "weights by name gave another flow than by path"
"$models" run flownet2-s "$dir/flownet2-s.safetensors" "$a" "$b" "$dir/flow.png" --longest 5 \
  2>"$dir/err.txt"
grep -q "pixels on average" "$dir/err.txt" || fail "the motion was not said"
[ "$(size_of "$dir/flow.png")" = 107x83 ] || fail "the flow picture has another size"

begin "distances"
# Distances: 0 of a picture and itself, more of two; weights by path and by the manifest's names.
lpips() { "$models" run "$@"; }
same=$(lpips lpips-squeeze "$dir/lpips-squeeze.safetensors" "$a" "$a" \
  --backbone "$dir/squeezenet.safetensors")
other=$(lpips lpips-squeeze "$dir/lpips-squeeze.safetensors" "$a" "$b" \
  --backbone "$dir/squeezenet.safetensors")
[ "$same" = 0.000000 ] || fail "a picture is $same from itself"
awk "BEGIN { exit !($other > 0.0001) }" || fail "two pictures are only $other apart"
mkdir "$dir/weights"
cp "$dir/squeezenet.safetensors" "$dir/weights/squeezenet1_1.safetensors"
cp "$dir/lpips-squeeze.safetensors" "$dir/weights/"
named=$(SEMCODEC_WEIGHTS=$dir/weights lpips lpips-squeeze lpips-squeeze "$a" "$b")
[ "$named" = "$other" ] || fail "weights by name gave $named, by path $other"
lpips lpips-alex "$dir/lpips-alex.safetensors" "$a" "$b" --backbone "$dir/alexnet.safetensors" \
  >"$dir/out.txt"

begin "what is refused"
# What is refused.
edge=$dir/pidinet-tiny.safetensors
refuses 3 "missing.png" "$models" run pidinet-tiny "$edge" "$dir/missing.png" "$dir/x.npy"
refuses 3 "missing.safetensors" "$models" run pidinet-tiny "$dir/missing.safetensors" "$a" "$dir/x.npy"
refuses 3 "known are" "$models" run pidinet-tiny no-such-name "$a" "$dir/x.npy"
refuses 2 "pidinet-small" "$models" run pidinet-huge "$edge" "$a" "$dir/x.npy"
refuses 3 "60 channels" "$models" run pidinet-tiny "$dir/pidinet.safetensors" "$a" "$dir/x.npy"
refuses 4 "no PiDiNet" "$models" run pidinet "$dir/flownet2-s.safetensors" "$a" "$dir/x.npy"
refuses 3 "flownet2-c" "$models" run flownet2-s "$dir/flownet2-c.safetensors" "$a" "$b" "$dir/x.flo"
refuses 4 "pidinet" "$models" run flownet2 "$edge" "$a" "$b" "$dir/x.flo"
refuses 4 "heads" "$models" run lpips-squeeze "$dir/squeezenet.safetensors" "$a" "$b" \
  --backbone "$dir/squeezenet.safetensors"
refuses 2 ".flo" "$models" run pidinet-tiny "$edge" "$a" "$dir/x.flo"
refuses 2 "two pictures" "$models" run flownet2-s "$dir/flownet2-s.safetensors" "$a" "$dir/x.flo"
refuses 3 "one size" "$models" run flownet2-s "$dir/flownet2-s.safetensors" "$a" "$dir/clip.y4m" "$dir/x.flo"
refuses 7 "cuda:77" "$models" run pidinet-tiny "$edge" "$a" "$dir/x.npy" --device cuda:77
refuses 2 "device" "$models" run pidinet-tiny "$edge" "$a" "$dir/x.npy" --device gpu
refuses 2 "subcommand" "$models"
echo precious >"$dir/kept.npy"
refuses 6 "kept.npy exists" "$models" run pidinet-tiny "$edge" "$a" "$dir/kept.npy"
[ "$(cat "$dir/kept.npy")" = precious ] || fail "an existing output was touched"
[ ! -e "$dir/x.npy" ] && [ ! -e "$dir/x.flo" ] || fail "a refused run left an output"
