#!/usr/bin/env bash
# From a video to a model package with one command: the package learns eight frames by heart, and
# encoder and decoder, which take it by --model, give them back at more than 30 dB.
source "$(dirname "${BASH_SOURCE[0]}")/../programs/common.sh" "$1"

begin "training"
mkdir "$dir/videos"
clip 96x64 8 "$dir/videos/clip.y4m"
start=$SECONDS
"$bin/semcodec-train" all training/recipes/tiny.toml --set data="$dir/videos" \
  --set output="$dir/tiny" 2>"$dir/log.txt" || fail "training ended with $?: $(tail -5 "$dir/log.txt")"
grep -q "^stage 4/4 generator" "$dir/log.txt" || fail "no progress lines: $(cat "$dir/log.txt")"
echo "trained in $((SECONDS - start)) s"

begin "the package"
for file in model.json generator.safetensors texture.safetensors edges.safetensors MODEL_CARD.md \
  losses.csv; do
  [ -s "$dir/tiny/$file" ] || fail "the package has no $file"
done
[ ! -e "$dir/tiny/flow.safetensors" ] || fail "flow.use = none, but there is a flow network"
grep -q '"refine_flow": false' "$dir/tiny/model.json" || fail "$(cat "$dir/tiny/model.json")"
grep -q "1 clips .*, 8 frames" "$dir/tiny/MODEL_CARD.md" || fail "$(cat "$dir/tiny/MODEL_CARD.md")"
grep -q "generator.learning_rate = 0.003" "$dir/tiny/MODEL_CARD.md" || fail "no settings in the card"

begin "pictures given back"
# The operating point of the recipe. No intra picture: what is seen is what the network knows.
"$bin/semcodec-encode" "$dir/videos/clip.y4m" "$dir/clip.sem" --model "$dir/tiny" --size 96x64 \
  --point colour=4x64,edges=2x4,texture=8,interval=0.04,key=-1 -q
"$bin/semcodec-decode" "$dir/clip.sem" "$dir/out.y4m" --model "$dir/tiny" -q
"$bin/semcodec-eval" "$dir/videos/clip.y4m" "$dir/out.y4m" --metrics psnr -q \
  --json "$dir/eval.json"
python3 - "$dir/eval.json" <<'PY'
import json, sys
report = json.load(open(sys.argv[1]))
psnr = report["psnr"]
print("PSNR", psnr)
assert psnr > 30, report
PY

begin "a second time"
# A second time there is nothing to do, and it says so.
"$bin/semcodec-train" all training/recipes/tiny.toml --set data="$dir/videos" \
  --set output="$dir/tiny" 2>"$dir/again.txt"
[ "$(grep -c "done before" "$dir/again.txt")" -eq 5 ] || fail "$(cat "$dir/again.txt")"
