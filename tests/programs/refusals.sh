#!/usr/bin/env bash
# What bad input gets: one sentence, a status, nothing left behind.  Usage: refusals.sh BIN
source "$(dirname "$0")/common.sh"
enc=$bin/semcodec-encode
dec=$bin/semcodec-decode

begin "a clip and its stream"
clip 128x96 8 "$dir/clip.y4m"
"$enc" "$dir/clip.y4m" "$dir/good.sem" -q
: >"$dir/empty"
echo "this is no video" >"$dir/text.mp4"
ffmpeg -v error -nostdin -f lavfi -i sine=duration=0.3 "$dir/sound.wav"

begin "inputs that are none"
for input in missing.mp4 empty text.mp4 sound.wav; do
  refuses 3 "$input" "$enc" "$dir/$input" "$dir/x.sem"
  [ ! -e "$dir/x.sem" ] || fail "$input left an output behind"
done
refuses 3 "folder" "$dec" "$dir" "$dir/x.mp4"
refuses 3 "missing.sem" "$dec" "$dir/missing.sem" "$dir/x.mp4"
refuses 3 "empty" "$dec" "$dir/empty" "$dir/x.mp4"
refuses 3 "text.mp4" "$dec" "$dir/text.mp4" "$dir/x.mp4"
[ ! -e "$dir/x.mp4" ] || fail "a refused stream left an output behind"

begin "outputs that exist, or cannot be written"
# Outputs: an existing one is safe without -y, and with -y it is replaced.
echo precious >"$dir/kept.sem"
refuses 6 "kept.sem exists" "$enc" "$dir/clip.y4m" "$dir/kept.sem"
[ "$(cat "$dir/kept.sem")" = precious ] || fail "an existing output was touched"
"$enc" "$dir/clip.y4m" "$dir/kept.sem" -q -y
cmp "$dir/kept.sem" "$dir/good.sem" || fail "-y did not replace the output"
refuses 6 "good.mp4" "$dec" "$dir/good.sem" "$dir/no/such/folder/good.mp4"
refuses 6 "x.sem" "$enc" "$dir/clip.y4m" "$dir/no/such/folder/x.sem"
refuses 6 "/dev/full" "$enc" "$dir/clip.y4m" /dev/full -y

begin "options"
# Options.
refuses 2 "multiples of 16" "$enc" "$dir/clip.y4m" "$dir/x.sem" --size 100x64
refuses 2 "profile" "$enc" "$dir/clip.y4m" "$dir/x.sem" --profile best
refuses 2 "quality" "$enc" "$dir/clip.y4m" "$dir/x.sem" --quality 101
refuses 2 "8k" "$enc" "$dir/clip.y4m" "$dir/x.sem" --bitrate fast
refuses 3 "no-such-model" "$enc" "$dir/clip.y4m" "$dir/x.sem" --model no-such-model
refuses 7 "cuda:77" "$dec" "$dir/good.sem" "$dir/x.mp4" --device cuda:77
refuses 3 "skip" "$enc" "$dir/clip.y4m" "$dir/x.sem" --skip 500

begin "video on the GPU"
# Video on the GPU: names are errors where there is none, auto says what it does and goes on.
refuses 2 "hwaccel" "$enc" "$dir/clip.y4m" "$dir/x.sem" --hwaccel quick
refuses 2 "libtheora" "$dec" "$dir/good.sem" "$dir/x.mp4" --vcodec libtheora
refuses 2 "y4m" "$dec" "$dir/good.sem" "$dir/x.y4m" --vcodec h264_nvenc
refuses 2 "preset of libx264" "$dec" "$dir/good.sem" "$dir/x.mp4" --preset p4
if ldconfig -p | grep -q 'libcuda\.so\.1'; then
  echo "refusals: this machine has NVIDIA's driver, so what is said without one is not tested"
else
  refuses 7 "no cuda device.*libcuda.so.1. was not found" \
    "$enc" "$dir/clip.y4m" "$dir/x.sem" --hwaccel cuda
  "$enc" "$dir/clip.y4m" "$dir/auto.sem" --hwaccel auto --progress none 2>"$dir/err.txt"
  [ "$(grep -c "decoded on the CPU" "$dir/err.txt")" -eq 1 ] || fail "not said once: $(cat "$dir/err.txt")"
  cmp "$dir/auto.sem" "$dir/good.sem" || fail "--hwaccel auto gave another stream"
  known=$(ffmpeg -hide_banner -v error -encoders)
  for encoder in h264_nvenc hevc_nvenc; do
    [[ $known == *" $encoder "* ]] && status=7 || status=5
    refuses $status "$encoder" "$dec" "$dir/good.sem" "$dir/x.mp4" --vcodec $encoder
  done
  "$dec" "$dir/good.sem" "$dir/auto.mp4" --vcodec auto --progress none 2>"$dir/err.txt"
  [ "$(grep -c "takes libx264" "$dir/err.txt")" -eq 1 ] || fail "not said once: $(cat "$dir/err.txt")"
  [ "$(frames_of "$dir/auto.mp4")" -eq 8 ] || fail "--vcodec auto wrote another number of frames"
fi

begin "a model that the stream was not made for"
# A model that the stream was not made for.
cp -r models/zoo/default "$dir/other"
python3 - "$dir/other/generator.safetensors" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-2] ^= 1
open(sys.argv[1], "wb").write(data)
PY
refuses 5 "model" "$dec" "$dir/good.sem" "$dir/x.mp4" --model "$dir/other"
"$dec" "$dir/good.sem" "$dir/any.mp4" -q --model "$dir/other" --any-model
head -c 1000 models/zoo/default/generator.safetensors >"$dir/other/generator.safetensors"
refuses 4 "generator.safetensors" "$dec" "$dir/good.sem" "$dir/x.mp4" --model "$dir/other" --any-model

begin "nothing is left behind"
[ -z "$(find "$dir" -name '*.part*')" ] || fail "temporary files were left: $(find "$dir" -name '*.part*')"
[ ! -e "$dir/x.sem" ] && [ ! -e "$dir/x.mp4" ] || fail "a refused run left an output"
