#!/usr/bin/env bash
# Measures the dev clips again and writes docs/results/ and the tables of docs/results.md.
#
#   bash scripts/results.sh [--fast] [OPTIONS OF scripts/sweep.py...]
#
# semcodec, SVT-AV1, x265 and x264, about 20 minutes on two idle cores for the three dev clips; --fast
# takes fewer points. Clips: solidWhiteRight (bash scripts/fetch.sh clips) at 512x256, and
# highway_tail.mp4 and juggle.mp4 where $SEMCODEC_CLIPS or ../shared/data/dev has them. A run that
# was stopped goes on; out/results/report.html is the report.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case ${1:-} in -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;; esac
cd "$root"
say() { printf 'results: %s\n' "$*" >&2; }

[ -x build/bin/semcodec-eval ] || bash scripts/build.sh
bash scripts/setup_python.sh || say "matplotlib could not be had: the tables come without curves"

clips=()
if clip=$(bash scripts/fetch.sh clips solidWhiteRight --path); then
  clips+=("$clip@512x256")   # the size that the project's marks refer to
fi
for name in highway_tail juggle; do
  for folder in "${SEMCODEC_CLIPS:-}" "$root/../shared/data/dev"; do
    [ -n "$folder" ] && [ -r "$folder/$name.mp4" ] && { clips+=("$folder/$name.mp4"); break; }
  done
done
if [ ${#clips[@]} -eq 0 ]; then
  say "no dev clip could be had; name their folder in SEMCODEC_CLIPS"
  exit 1
fi

metrics=psnr,ssim,gmsd,motion
if bash scripts/fetch.sh weights squeezenet1_1 lpips-squeeze; then
  metrics+=,lpips,fd-squeezenet
else
  say "LPIPS and FD are left out: their weights could not be had"
fi
exec python3 scripts/sweep.py "${clips[@]}" -o out/results --results docs --ladder results \
  --codecs semcodec,svtav1,x265,x264 --metrics "$metrics" --max-kbps 40 "$@"
