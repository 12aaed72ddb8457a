#!/usr/bin/env bash
# Makes the wheel, installs it into a scratch folder and tests it away from the build.
#   wheel.sh BUILD_FOLDER PYTHON
set -euo pipefail
build=$1
python=$2
source=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cmake --build "$build" --target wheel >"$dir/wheel.txt" 2>&1 ||
  { tail -n 15 "$dir/wheel.txt" >&2; echo "FAIL: the wheel cannot be built" >&2; exit 1; }
"$python" -m pip install --quiet --no-deps --no-index --disable-pip-version-check \
  --root-user-action=ignore --target "$dir/site" "$build"/wheel/semcodec-*.whl
cd "$dir"
unset SEMCODEC_MODEL_PATH
PYTHONPATH=$dir/site SEMCODEC_SAMPLES=$source/samples \
  "$python" -W error::DeprecationWarning "$source/python/tests/test_semcodec.py" -v
