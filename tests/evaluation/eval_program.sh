#!/usr/bin/env bash
# semcodec-eval as a program: figures of a known pair, frame counts, refusals.
# Usage: eval_program.sh SEMCODEC_EVAL RENDER_CLIP
eval_program=$1
render=$2
source "$(dirname "${BASH_SOURCE[0]}")/../cases.sh"

# Runs the program, expects an exit status and a text on stderr.
refuses() {
  local status=$1 text=$2 got=0
  shift 2
  "$eval_program" "$@" >"$dir/out" 2>"$dir/err" || got=$?
  [ "$got" -eq "$status" ] || fail "$* ended with $got, not $status: $(cat "$dir/err")"
  grep -q -- "$text" "$dir/err" || fail "$* did not say '$text' but: $(cat "$dir/err")"
  [ "$(wc -l <"$dir/err")" -le 2 ] || fail "$* said more than a sentence: $(cat "$dir/err")"
}

# Whether python's expression over the report j holds.
holds() {
  python3 -c "import json,sys; j=json.load(open(sys.argv[1])); sys.exit(0 if ($2) else 1)" "$1" ||
    fail "not so: $2 in $(cat "$1")"
}

begin "a clip and itself"
"$render" --size 256x144 --frames 24 "$dir/ref.y4m"
metrics=psnr,ssim,gmsd,motion,flicker,warping
few=(--metrics "$metrics")

"$eval_program" "$dir/ref.y4m" "$dir/ref.y4m" "${few[@]}" --json "$dir/same.json" >/dev/null
holds "$dir/same.json" 'j["psnr"] == 100 and j["mse"] == 0 and j["motion_error"] == 0'
holds "$dir/same.json" 'j["frames"]["compared"] == 24 and j["frames"]["reference_unpaired"] == 0'
holds "$dir/same.json" 'j["ms_ssim"] is None and j["lpips_squeeze"] is None and j["kbps"] is None'

begin "the rendered clip"
# The rendered clip is the same on every machine; samples/manifest.json holds its md5.
clip_md5=$("$render" - | md5sum | cut -d " " -f 1)
grep -q "\"y4m_md5\": \"$clip_md5\"" samples/manifest.json ||
  fail "render_clip draws other pictures ($clip_md5) than samples/manifest.json says"

begin "frames missing at the end"
# Frames that are missing at the end are counted.
"$render" --size 256x144 --frames 20 "$dir/short.y4m"
head -c 2500 /dev/zero >"$dir/stream"
"$eval_program" "$dir/ref.y4m" "$dir/short.y4m" "${few[@]}" --bits "$dir/stream" --json - \
  >"$dir/short.json"
holds "$dir/short.json" 'j["frames"]["compared"] == 20 and j["frames"]["reference_unpaired"] == 4'
holds "$dir/short.json" 'any("4 frames of the reference and 0" in n for n in j["notes"])'
holds "$dir/short.json" 'abs(j["kbps"] - 20 / j["seconds"]) < 1e-9 and j["stream_bytes"] == 2500'

begin "any number of threads"
# The number of threads does not change a figure.
for threads in 1 3; do
  "$eval_program" "$dir/short.y4m" "$dir/ref.y4m" "${few[@]}" --size 128x96 --threads $threads \
    --json "$dir/t$threads.json" >/dev/null
done
cmp "$dir/t1.json" "$dir/t3.json" || fail "1 and 3 threads differ"
holds "$dir/t1.json" 'j["width"] == 128 and j["height"] == 96'

begin "what cannot be measured"
# What cannot be measured is null and says why: weights that are missing, pictures too small.
"$eval_program" "$dir/ref.y4m" "$dir/short.y4m" --metrics psnr,fid,lpips-vgg --json - -q \
  >"$dir/fid.json"
holds "$dir/fid.json" 'j["fid"] is None and j["patches"] == 0 and j["psnr"] is not None'
holds "$dir/fid.json" 'any("pt_inception" in n or "256x256" in n for n in j["notes"])'
holds "$dir/fid.json" 'j["lpips_vgg"] or any("vgg16-397923af.pth" in n for n in j["notes"])'

begin "what is refused"
mkdir "$dir/features"
touch "$dir/features/squeezenet_reference.npy"
refuses 6 squeezenet_reference.npy "$dir/ref.y4m" "$dir/ref.y4m" --features "$dir/features"
refuses 2 kid-subsets "$dir/ref.y4m" "$dir/ref.y4m" --kid-subsets 0
refuses 3 missing.mp4 "$dir/ref.y4m" "$dir/missing.mp4"
refuses 2 vmaf "$dir/ref.y4m" "$dir/ref.y4m" --metrics vmaf
refuses 2 size "$dir/ref.y4m" "$dir/ref.y4m" --size wide
refuses 3 nothing.sem "$dir/ref.y4m" "$dir/ref.y4m" --bits "$dir/nothing.sem"
refuses 6 same.json "$dir/ref.y4m" "$dir/ref.y4m" --json "$dir/same.json"
