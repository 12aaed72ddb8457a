#!/usr/bin/env bash
# Gets what is not ours and not in the repository: real clips and third-party weights.
#
#   bash scripts/fetch.sh weights [NAME...]   to .cache/weights/NAME.safetensors
#   bash scripts/fetch.sh clips [NAME...]     to .cache/clips/
#   bash scripts/fetch.sh all
#   bash scripts/fetch.sh clips NAME --path   gets one clip and prints where it lies
#   ... --list                                only shows what there is, and what is here already
#
# Large weights (alexnet, vgg16, inception) and what goes with them are fetched only when named.
#
# What there is: models/weights.json and samples/manifest.json (addresses, sha256, licences). Local
# folders are searched first, by sha256: $SEMCODEC_WEIGHTS, $SEMCODEC_CLIPS, ../shared. One that
# cannot be had is named, the rest goes on, and the exit status is 1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v python3 >/dev/null ||
  { echo "fetch: python3 is missing; run bash scripts/setup.sh" >&2; exit 1; }
exec python3 "$here/fetch.py" "$@"
