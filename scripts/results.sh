#!/usr/bin/env bash
# Measures the dev clips again and writes docs/results/ and the tables of docs/results.md.
#
#   bash scripts/results.sh [--fast | --marks] [OPTIONS OF scripts/sweep.py...]
#
# semcodec, SVT-AV1, x265 and x264, about 20 minutes on two idle cores for the three dev clips; --fast
# takes fewer points. --marks compares with current VVenC and SVT-AV1 at 4, 8, 16 and 32 kbit/s, by VMAF
# too (bash scripts/setup_python.sh --ffmpeg), on all clips; that takes hours. Clips: solidWhiteRight
# (bash scripts/fetch.sh clips) at 512x256, highway_tail and juggle, and with --marks also
# face, city_expressway, people_street and dog, where $SEMCODEC_CLIPS or ../shared/data/dev* has NAME.mp4.
# A run that was stopped goes on; out/results/report.html is the report.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case ${1:-} in -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;; esac
cd "$root"
say() { printf 'results: %s\n' "$*" >&2; }

names=(highway_tail juggle)
sweep=(--ladder results --codecs semcodec,svtav1,x265,x264 --max-kbps 40)
packages=()
if [ "${1:-}" = --marks ]; then
  shift
  names+=(face city_expressway people_street dog)
  sweep=(--ladder marks --max-kbps 64)
  packages=(--ffmpeg)
fi

[ -x build/bin/semcodec-eval ] || bash scripts/build.sh
bash scripts/setup_python.sh "${packages[@]}" ||
  say "not all packages could be had: what needs them is left out, and said"

clips=()
if clip=$(bash scripts/fetch.sh clips solidWhiteRight --path); then
  clips+=("$clip@512x256")   # the size that the project's marks refer to
fi
for name in "${names[@]}"; do
  for folder in "${SEMCODEC_CLIPS:-}" "$root"/../shared/data/dev*; do
    [ -n "$folder" ] && [ -r "$folder/$name.mp4" ] && { clips+=("$folder/$name.mp4"); break; }
  done
done
if [ ${#clips[@]} -eq 0 ]; then
  say "no dev clip could be had; name their folder in SEMCODEC_CLIPS"
  exit 1
fi

metrics=psnr,ssim,gmsd,motion,vmaf
if bash scripts/fetch.sh weights squeezenet1_1 lpips-squeeze; then
  metrics+=,lpips,fd-squeezenet
else
  say "LPIPS and FD are left out: their weights could not be had"
fi
exec python3 scripts/sweep.py "${clips[@]}" -o out/results --results docs --metrics "$metrics" \
  "${sweep[@]}" "$@"
