#!/usr/bin/env bash
# --deterministic: the same stream and the same pictures every time, for any number of threads.
# Usage: deterministic.sh BIN
source "$(dirname "$0")/common.sh"

begin "any number of threads"
clip 192x112 30 "$dir/clip.y4m"
for threads in 1 2 3; do
  "$bin/semcodec-encode" "$dir/clip.y4m" "$dir/$threads.sem" -q --deterministic --threads $threads
  cmp "$dir/1.sem" "$dir/$threads.sem" || fail "$threads threads gave another stream than one"
  "$bin/semcodec-decode" "$dir/1.sem" "$dir/$threads.y4m" -q --deterministic --threads $threads
  cmp "$dir/1.y4m" "$dir/$threads.y4m" || fail "$threads threads generated other pictures than one"
done
"$bin/semcodec-decode" "$dir/1.sem" "$dir/again.y4m" -q --deterministic --threads 3
cmp "$dir/1.y4m" "$dir/again.y4m" || fail "decoding twice gave different pictures"

begin "fallbacks are said once"
# Fallbacks: one line each, and none when quiet.
"$bin/semcodec-decode" "$dir/1.sem" "$dir/x.y4m" -y --progress none 2>"$dir/err.txt"
[ "$(grep -c "networks run on the CPU" "$dir/err.txt")" -le 1 ] || fail "said twice: $(cat "$dir/err.txt")"
"$bin/semcodec-decode" "$dir/1.sem" "$dir/x.y4m" -y -q 2>"$dir/err.txt"
[ ! -s "$dir/err.txt" ] || fail "-q was not quiet: $(cat "$dir/err.txt")"

begin "two trainings"
# Training: two runs, one result.
"$bin/semcodec-train" prepare "$dir/clip.y4m" --output "$dir/store" --size 128x96 \
  --edges models/zoo/default/edges.safetensors -q
cat >"$dir/small.toml" <<'TOML'
device = "cpu"
threads = 2
[generator]
steps = 4
image_steps = 2
gan_start = 3
batch = 1
crop = 64
gan_patch = 48
workers = 2
discriminator_channels = 8
sample_every = 100
weight_lpips = 0.0
weight_vgg = 0.0
channels_half = 16
channels_quarter = 16
channels_eighth = 32
channels_bottleneck = 48
TOML
for run in first second; do
  "$bin/semcodec-train" generator "$dir/small.toml" -q --deterministic --set data="$dir/store" \
    --set output="$dir/$run"
done
cmp "$dir/first/generator.safetensors" "$dir/second/generator.safetensors" ||
  fail "training twice gave different weights"
