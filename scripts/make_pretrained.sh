#!/usr/bin/env bash
# Makes common/entropy/pretrained.bin and base_pretrained.bin anew: planes of the training clips that
# the map coder is primed with, and headers of their base pictures. Needed when the coder, the
# encoder's planes or the training clips change; both are part of the stream format, so docs/format.md,
# tests/entropy, tests/media/base_unit_test.cpp and samples/golden must follow.
#
#   bash scripts/make_pretrained.sh FOLDER_OF_TRAINING_CLIPS
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
clips=${1:?"make_pretrained: name the folder of the training clips"}
bin=$root/build/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Four coded frames of each clip, some at a low quality, where planes are smaller.
planes=()
for entry in gopro_walk:35 highway_project:60 mapillary_street:35 sam2_01_dog:60 sam2_02_cups:35 \
  sam2_03_blocks:60 sam2_04_coffee:60 static_cars:60 static_person:60; do
  clip=${entry%:*}
  quality=${entry#*:}
  [ -e "$clips/$clip.mp4" ] || { echo "make_pretrained: $clips/$clip.mp4 is missing" >&2; exit 3; }
  "$bin/semcodec-encode" "$clips/$clip.mp4" "$work/$clip.sem" --quality "$quality" --audio none \
    --profile semantic --limit 250 --quiet
  planes+=("$work/$clip.sem:4:4")
done
"$bin/make_pretrained" --out "$work/pretrained.bin" "${planes[@]}"
mv "$work/pretrained.bin" "$root/common/entropy/pretrained.bin"

# Base pictures of all sizes, qualities and coders.
streams=()
for entry in face_st_rd2:45 seattle_street1:60 davis_parkour:75 mapillary_street:30 asl_want:90 \
  highway_rain:55:--low-delay ego_dinner_table:65 traffic_motorway:40 pets_vtest:70 \
  face_lp_s29:80:--low-delay; do
  IFS=: read -r clip quality delay <<<"$entry"
  [ -e "$clips/$clip.mp4" ] || { echo "make_pretrained: $clips/$clip.mp4 is missing" >&2; exit 3; }
  "$bin/semcodec-encode" "$clips/$clip.mp4" "$work/base-$clip.sem" --quality "$quality" --audio none \
    --profile hybrid --limit 160 --quiet ${delay:+"$delay"}
  streams+=("$work/base-$clip.sem")
done
"$bin/make_base_pretrained" --out "$work/base_pretrained.bin" --count 60 "${streams[@]}"
mv "$work/base_pretrained.bin" "$root/common/entropy/base_pretrained.bin"
md5sum "$root"/common/entropy/*pretrained.bin
