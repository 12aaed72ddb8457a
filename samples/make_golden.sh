#!/usr/bin/env bash
# Makes the golden streams anew from samples/street.mp4 with the default model. Needs a build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p samples/golden
make() {
  local name=$1
  shift
  build/bin/semcodec-encode samples/street.mp4 "samples/golden/$name.sem" -y -q "$@"
  build/bin/semcodec-info "samples/golden/$name.sem" --json --digests >"/tmp/$name.json"
  python3 samples/digests.py "/tmp/$name.json" >"samples/golden/$name.digests"
}
make street-low-rate --profile semantic
make street-low-quality --profile semantic --quality 10 --keyint 1s
make street-hybrid --profile hybrid --size 256x144
make street-paper --profile paper --size 256x144 --limit 30
