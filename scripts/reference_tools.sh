#!/usr/bin/env bash
# Installs the public tools that our metrics are compared with, and runs Python programs with them.
#
#   bash scripts/reference_tools.sh                    install what is missing
#   bash scripts/reference_tools.sh run FILE [ARG...]  run a Python file with the tools
#   bash scripts/reference_tools.sh --check            succeed quietly when they are there
#
# The tools come from PyPI (about 90 MB): scikit-image, lpips, pytorch-fid, torch-fidelity,
# pytorch-msssim, piq. They need PyTorch's Python side, which the wheel that scripts/setup.sh
# installed already holds; it asks for CUDA libraries of several gigabytes that a machine without a
# GPU has no use for, so empty stand-ins take their place (scripts/reference_stubs.py). All of it
# goes beside LibTorch, see scripts/setup.sh; nothing of it is part of the programs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

packages=(
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 tqdm==4.70.1 lazy-loader==0.6 packaging==26.3
  sympy==1.14.0 mpmath==1.4.1 typing-extensions==4.16.0 filelock==4.2.12
  torchvision==0.26.0 scikit-image==0.26.0 lpips==0.1.4 pytorch-fid==0.3.0 torch-fidelity==0.4.0
  pytorch-msssim==1.0.0 piq==0.8.0)

deps=${SEMCODEC_DEPS:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/semcodec}

say() { printf 'reference_tools: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# A Python that the wheel's extension module was built for.
find_python() {
  local tag python
  tag=$(cd "$torch" && echo _C.cpython-*.so)
  tag=${tag#_C.cpython-}
  tag=${tag%%-*}
  for python in python3 /usr/bin/python3; do
    [ "$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])' 2>/dev/null)" = "$tag" ] ||
      continue
    "$python" -m pip --version >/dev/null 2>&1 && { printf '%s\n' "$python"; return; }
  done
  return 1
}

with_tools() {
  # No package of the user must get in between.
  env -u PYTHONHOME PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH="$home/packages:$(dirname "$torch")" \
    LD_LIBRARY_PATH="$home/stubs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$python" "$@"
}

torch=$(bash "$here/setup.sh" --print-torch-dir) || die "PyTorch is missing; run scripts/setup.sh"
[ -e "$torch/__init__.py" ] && [ -e "$torch/lib/libtorch_python.so" ] ||
  die "$torch has no Python side, which the reference tools need"
python=$(find_python) || die "no python3 with pip fits the PyTorch in $torch"
# What was installed otherwise is installed anew.
key=$(printf '%s\n' "$torch" "${packages[@]}" | cat - "$here/reference_stubs.py" | cksum)
home=$deps/reference-tools-${key%% *}

case ${1:-} in
  --check) [ -e "$home/complete" ] && exit 0 || exit 1 ;;
  run)
    [ $# -ge 2 ] || die "run needs a Python file"
    [ -e "$home/complete" ] || die "they are not installed; run bash scripts/reference_tools.sh"
    shift
    with_tools "$@"
    exit
    ;;
  "") ;;
  -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;;
  *) die "unknown option $1; see: bash scripts/reference_tools.sh --help" ;;
esac

[ ! -e "$home/complete" ] || exit 0
start=$SECONDS
say "installing the reference tools into $home (about 90 MB to download)"
mkdir -p "$deps" || die "cannot create $deps; set SEMCODEC_DEPS to a folder that can be written"
# What other versions of this file installed, and what killed runs left.
find "$deps" -maxdepth 1 \( -name 'reference-tools-*' -o -name '.incoming-*' \) -mmin +240 \
  -exec rm -rf {} +
final=$home
home=$(mktemp -d "$deps/.incoming-XXXXXX")
log=$(mktemp)
trap 'rm -rf "$log" "$home"' EXIT
mkdir "$home/stubs"
"$python" -m pip install --disable-pip-version-check --root-user-action=ignore --quiet \
  --no-compile --no-cache-dir --only-binary=:all: --no-deps --upgrade \
  --target "$home/packages" "${packages[@]}" >"$log" 2>&1 ||
  { tail -n 5 "$log" >&2; die "pip could not install the reference tools from PyPI"; }
"$python" "$here/reference_stubs.py" "$torch/lib" "$home/stubs" >"$log" 2>&1 ||
  { tail -n 5 "$log" >&2; die "the stand-ins of CUDA's libraries could not be made"; }
with_tools -c "import torch, torchvision, skimage.metrics, lpips, pytorch_fid.fid_score" \
  >"$log" 2>&1 || { tail -n 5 "$log" >&2; die "the reference tools do not start"; }
touch "$home/complete"
rm -rf "$final"
# Another checkout may have been faster; its install is as good.
mv -T "$home" "$final" 2>/dev/null || [ -e "$final/complete" ] || die "could not move to $final"
say "done in $((SECONDS - start)) s"
