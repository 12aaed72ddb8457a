#!/usr/bin/env bash
# Renders samples/street.mp4 anew. The frames are the same bytes everywhere (y4m_md5 in
# manifest.json); the mp4's bytes depend on the version of x264, so commit it only when the
# picture has changed.
# Usage: make_street.sh RENDER_CLIP [OUT.mp4]
set -euo pipefail
render=$1
out=${2:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/street.mp4}
"$render" --size 512x288 --frames 100 --rate 25 - |
  ffmpeg -v error -y -f yuv4mpegpipe -i - -c:v libx264 -preset veryslow -crf 20 -threads 1 \
    -pix_fmt yuv420p -colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m \
    -color_range tv -movflags +faststart -map_metadata -1 -fflags +bitexact -flags:v +bitexact "$out"
