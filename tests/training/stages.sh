#!/usr/bin/env bash
# `semcodec-train all` in small: trained edge and flow networks, bad clips, kills, Ctrl-C, a changed
# setting, and the sentences of what it refuses.
source "$(dirname "${BASH_SOURCE[0]}")/../programs/common.sh" "$1"

mkdir "$dir/videos"
clip 128x96 12 "$dir/videos/clip.y4m"
head -c 3000 /dev/urandom >"$dir/videos/broken.mp4"
cat >"$dir/small.toml" <<'TOML'
device = "cpu"
threads = 1
[prepare]
size = "96x64"
[edges]
teacher = "models/zoo/default/edges.safetensors"
steps = 4
crop = 64
batch = 1
[flow]
variant = "s"
channels = 0.0625
correlation = 4
input_scale = 1
width = 64
height = 64
max_motion = 4
typical_motion = 1
batch = 1
steps = 2
validation_pairs = 2
sample_every = 2
[generator]
steps = 40
image_steps = 10
gan_start = 20
batch = 1
crop = 64
gan_patch = 48
discriminator_channels = 8
log_every = 2
sample_every = 20
checkpoint_minutes = 0.0
weight_lpips = 0.0
weight_vgg = 0.0
weight_flow = 0.0
bf16 = false
channels_half = 16
channels_quarter = 16
channels_eighth = 32
channels_bottleneck = 48
TOML
all() { "$bin/semcodec-train" all "$dir/small.toml" --set data="$dir/videos" "$@"; }
# For the background: $! is then the program itself.
exec_all() { exec "$bin/semcodec-train" all "$dir/small.toml" --set data="$dir/videos" "$@"; }

begin "what is refused"
# Refusals: one sentence each, before anything is written.
refuses 2 "generator.stepz" all --set output="$dir/x" --set generator.stepz=5
refuses 2 "edges.stepz" all --set output="$dir/x" --set edges.stepz=5
refuses 2 "is now .flow.steps" all --set output="$dir/x" --set flow.iterations=5
refuses 2 "edges.use" all --set output="$dir/x" --set edges.teacher=
refuses 2 "output folder lies in" all --set output="$dir/videos/x"
refuses 2 "layout" all --set output="$dir/x" --set prepare.layout=kitti
refuses 3 "no videos at" all --set output="$dir/x" --set data="$dir/nowhere"
[ ! -e "$dir/x" ] || fail "a refused run left $dir/x"

begin "a run that is not interrupted"
# The uninterrupted run, for comparison.
all --set output="$dir/whole" 2>"$dir/whole.txt" || fail "$(cat "$dir/whole.txt")"
grep -q "broken is skipped" "$dir/whole.txt" || fail "the bad clip is not named: $(cat "$dir/whole.txt")"
grep -q "broken" "$dir/whole/MODEL_CARD.md" || fail "the card does not name the bad clip"
grep -q '"refine_flow": true' "$dir/whole/model.json" || fail "$(cat "$dir/whole/model.json")"
[ "$(grep -c , "$dir/whole/losses.csv")" -eq 21 ] || fail "$(cat "$dir/whole/losses.csv")"
python3 tests/training/read_events.py "$dir/whole/train/generator"

begin "kill -9 three times"
# kill -9 in the generator stage, three times, then a run to the end: the same losses.
for steps in 6 14 25; do
  exec_all --set output="$dir/killed" 2>>"$dir/killed.txt" &
  pid=$!
  for _ in $(seq 2400); do
    last=$(tail -n 1 "$dir/killed/train/generator/losses.csv" 2>/dev/null | cut -d, -f1 || true)
    case $last in '' | *[!0-9]*) last=0 ;; esac
    [ "$last" -ge "$steps" ] && break
    kill -0 $pid 2>/dev/null || fail "ended by itself: $(cat "$dir/killed.txt")"
    sleep 0.05
  done
  kill -9 $pid
  wait $pid 2>/dev/null || true
  sleep 0.2 # its child dies with it
done
all --set output="$dir/killed" --resume 2>>"$dir/killed.txt" || fail "$(tail "$dir/killed.txt")"
grep -q "stage 4/4 generator: going on" "$dir/killed.txt" || fail "$(cat "$dir/killed.txt")"
python3 - "$dir/whole/losses.csv" "$dir/killed/losses.csv" <<'PY'
import csv, sys
one, two = (list(csv.DictReader(open(path))) for path in sys.argv[1:])
assert [r["step"] for r in one] == [r["step"] for r in two], (len(one), len(two))
for a, b in zip(one, two):
    for name in a:
        x, y = float(a[name] or 0), float(b[name] or 0)
        assert abs(x - y) <= 1e-4 + 2e-3 * abs(x), f"step {a['step']} {name}: {x} and {y}"
PY
python3 tests/training/read_events.py "$dir/killed/train/generator"

begin "SIGTERM"
# SIGTERM: passed on, a checkpoint, a sentence, exit code 130; the next run goes on.
exec_all --set output="$dir/stopped" 2>"$dir/stopped.txt" &
pid=$!
for _ in $(seq 2400); do
  [ -s "$dir/stopped/train/generator/losses.csv" ] && break
  sleep 0.05
done
kill -TERM $pid
got=0
wait $pid || got=$?
[ "$got" -eq 130 ] || fail "ended with $got: $(cat "$dir/stopped.txt")"
grep -q "Stopped in stage 4/4 generator" "$dir/stopped.txt" || fail "$(cat "$dir/stopped.txt")"
[ ! -e "$dir/stopped/model.json" ] || fail "an interrupted run made a package"
[ -s "$dir/stopped/train/generator/generator.safetensors" ] || fail "no export when stopped"

begin "a full disk"
# A full disk: what cannot be written is said, the last checkpoint stays whole.
rm -rf "$dir/full" && cp -r "$dir/stopped" "$dir/full"
checkpoint=$dir/full/train/generator/checkpoint.safetensors
before=$(md5sum <"$checkpoint")
got=0
(
  trap '' XFSZ
  ulimit -f 200 # kilobytes or half of them; a checkpoint is larger
  all --set output="$dir/full" 2>"$dir/full.txt"
) || got=$?
[ "$got" -eq 6 ] || fail "a full disk ended with $got: $(cat "$dir/full.txt")"
grep -q "checkpoint.safetensors" "$dir/full.txt" || fail "$(cat "$dir/full.txt")"
[ "$(md5sum <"$checkpoint")" = "$before" ] || fail "the last checkpoint is not what it was"
all --set output="$dir/full" -q || fail "the last checkpoint is of no use"

begin "a changed setting"
# A changed setting runs that stage and those after it; the earlier run is kept.
all --set output="$dir/whole" --set generator.steps=6 2>"$dir/changed.txt"
[ "$(grep -c "done before" "$dir/changed.txt")" -eq 4 ] || fail "$(cat "$dir/changed.txt")"
grep -q "generator.steps is 6 (was 40)" "$dir/changed.txt" || fail "$(cat "$dir/changed.txt")"
[ -e "$dir/whole/train/generator.before-1/checkpoint.safetensors" ] || fail "the earlier run is gone"

begin "the package works"
# The package works.
"$bin/semcodec-encode" "$dir/videos/clip.y4m" "$dir/clip.sem" --model "$dir/whole" --size 96x64 -q
"$bin/semcodec-decode" "$dir/clip.sem" "$dir/out.mp4" --model "$dir/whole" -q
[ "$(frames_of "$dir/out.mp4")" -eq 12 ] || fail "frames got lost"
