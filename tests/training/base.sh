#!/usr/bin/env bash
# The restorer in small: base layers by the encoder's coder, 30 steps that learn, a run that is cut in
# two, and the exported package in encoder and decoder.
source "$(dirname "${BASH_SOURCE[0]}")/../programs/common.sh" "$1"

begin "base layers"
mkdir "$dir/videos"
clip 128x96 24 "$dir/videos/clip.y4m"
prepare() { "$bin/semcodec-train" prepare "$@"; }
prepare "$dir/videos" --output "$dir/store" --size 128x96 --base 2 --expand 2>"$dir/prepare.txt"
grep -q "quantiser" "$dir/prepare.txt" || fail "$(cat "$dir/prepare.txt")"
for k in 0 1; do
  [ -s "$dir/store/clip-$k.base" ] && [ -s "$dir/store/clip-$k.pictures" ] || fail "no layer $k"
done

begin "further layers"
# Further layers leave the ones that are there; the same draws give the same bytes.
sum=$(md5sum "$dir/store/clip-0.base" "$dir/store/clip-1.base" | cut -d' ' -f1)
prepare --output "$dir/store" --base 3 -q
[ "$(md5sum "$dir/store/clip-0.base" "$dir/store/clip-1.base" | cut -d' ' -f1)" = "$sum" ] ||
  fail "layers changed"
mkdir "$dir/again"
cp "$dir/store/clip.frames" "$dir/again"
prepare --output "$dir/again" --base 2 -q
cmp "$dir/store/clip-1.base" "$dir/again/clip-1.base" || fail "a layer differs between two runs"
refuses 3 "--expand" "$bin/semcodec-train" restorer --set data="$dir/again" --set output="$dir/x" \
  --set restorer.crop=64
prepare --output "$dir/store" --expand -q
head -c 100 "$dir/store/clip-0.base" >"$dir/again/clip-0.base"
refuses 4 "clip-0.base" prepare --output "$dir/again" --expand

begin "the restorer learns"
cat >"$dir/small.toml" <<'TOML'
device = "cpu"
threads = 1
[restorer]
steps = 30
batch = 4
crop = 64
warm_up = 5
learning_rate = 2e-3
gan_start = 20
gan_patch = 48
discriminator_channels = 8
weight_lpips = 0.0
weight_vgg = 0.0
weight_gan_image = 0.0
validation = "held"
bf16 = false
log_every = 5
sample_every = 30
channels_half = 16
channels_quarter = 16
channels_eighth = 16
channels_bottleneck = 24
decoder_quarter = 1
decoder_eighth = 1
transformer_blocks = 1
TOML
for file in "$dir"/store/clip*; do cp "$file" "$dir/store/held${file#"$dir/store/clip"}"; done
restorer() { "$bin/semcodec-train" restorer "$dir/small.toml" --set data="$dir/store" "$@"; }
refuses 2 "restorer.stepz" restorer --set output="$dir/x" --set restorer.stepz=5
restorer --set output="$dir/whole" --deterministic 2>"$dir/whole.txt" ||
  fail "training ended with $?: $(tail -5 "$dir/whole.txt")"
grep -q "held out at step 30: psnr" "$dir/whole.txt" || fail "$(cat "$dir/whole.txt")"
# Every row has samples of its own; what was learnt shows beside a run on the same ones that learns
# nothing.
restorer --set output="$dir/none" --set restorer.learning_rate=1e-9 -q
python3 - "$dir/whole/losses.csv" "$dir/none/losses.csv" <<'PY'
import csv, sys
whole, none = ([float(row["l1"]) for row in csv.DictReader(open(path))] for path in sys.argv[1:])
print("L1", whole, "untrained", none)
assert len(whole) == 6 and sum(whole[4:]) < 0.95 * sum(none[4:]), (whole, none)
PY

begin "a run that is cut in two"
# Cut in two: the same losses, and only these.
restorer --set output="$dir/parts" --set restorer.stop_after=12 --deterministic -q
restorer --set output="$dir/parts" --resume --deterministic -q
cmp "$dir/whole/losses.csv" "$dir/parts/losses.csv" || fail "losses differ after going on"
cmp "$dir/whole/restorer.safetensors" "$dir/parts/restorer.safetensors" || fail "weights differ"

begin "the package codes and decodes"
# The package codes and decodes.
"$bin/semcodec-encode" "$dir/videos/clip.y4m" "$dir/clip.sem" --model "$dir/whole" \
  --profile hybrid -q
"$bin/semcodec-decode" "$dir/clip.sem" "$dir/out.y4m" --model "$dir/whole" -q
[ "$(frames_of "$dir/out.y4m")" -eq 24 ] || fail "not all frames came back"
"$bin/semcodec-eval" "$dir/videos/clip.y4m" "$dir/out.y4m" --metrics psnr -q --json "$dir/eval.json"
python3 - "$dir/eval.json" <<'PY'
import json, sys
psnr = json.load(open(sys.argv[1]))["psnr"]
print("PSNR", psnr)
assert psnr > 15, psnr
PY

begin "all stages"
# All stages: the package gets a restorer, and a second time there is nothing to do.
sed -i '/^validation/d' "$dir/small.toml"
cat >>"$dir/small.toml" <<'TOML'
[prepare]
size = "128x96"
[edges]
use = "models/zoo/default"
[flow]
use = "none"
[base]
layers = 1
[generator]
steps = 2
image_steps = 1
batch = 1
crop = 64
weight_lpips = 0.0
weight_vgg = 0.0
bf16 = false
channels_half = 16
channels_quarter = 16
channels_eighth = 32
channels_bottleneck = 48
TOML
all() {
  "$bin/semcodec-train" all "$dir/small.toml" --set data="$dir/videos" --set output="$dir/all" "$@"
}
all --set restorer.steps=2 2>"$dir/all.txt" || fail "ended with $?: $(tail -5 "$dir/all.txt")"
grep -q "^stage 5/5 restorer" "$dir/all.txt" || fail "$(cat "$dir/all.txt")"
grep -q "restorer.safetensors.*, [1-9][0-9]* parameters" "$dir/all/MODEL_CARD.md" ||
  fail "$(cat "$dir/all/MODEL_CARD.md")"
"$bin/semcodec-decode" "$dir/clip.sem" "$dir/other.y4m" --model "$dir/all" --any-model -q
[ "$(frames_of "$dir/other.y4m")" -eq 24 ] || fail "not all frames came back"
all --set restorer.steps=2 2>"$dir/again.txt"
[ "$(grep -c "done before" "$dir/again.txt")" -eq 7 ] || fail "$(cat "$dir/again.txt")"
all --set restorer.steps=3 2>"$dir/changed.txt"
[ "$(grep -c "done before" "$dir/changed.txt")" -eq 6 ] || fail "$(cat "$dir/changed.txt")"
