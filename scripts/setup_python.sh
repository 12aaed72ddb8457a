#!/usr/bin/env bash
# Installs the Python packages of scripts/sweep.py from PyPI, away from the system's own.
#
#   bash scripts/setup_python.sh            matplotlib, bjontegaard (scripts/requirements.txt)
#   bash scripts/setup_python.sh --dask     also Dask (scripts/requirements-dask.txt)
#   bash scripts/setup_python.sh --ffmpeg   also a static ffmpeg with current SVT-AV1, VVenC, x265 and
#                                           libvmaf (scripts/requirements-ffmpeg.txt)
#
# Options can be combined.
# They go to ${SEMCODEC_DEPS:-${XDG_CACHE_HOME:-$HOME/.cache}/semcodec}/python-VERSION-KIND, where
# scripts/sweep.py finds them. The second run is quick.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf 'setup_python: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

kinds=(plots)
for option in "$@"; do
  case $option in
    --dask | --ffmpeg) kinds+=("${option#--}") ;;
    -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;;
    *) die "unknown option $option; see: bash scripts/setup_python.sh --help" ;;
  esac
done
command -v python3 >/dev/null || die "python3 is missing; run bash scripts/setup.sh"

for kind in "${kinds[@]}"; do
  list=$here/requirements.txt
  [ "$kind" = plots ] || list=$here/requirements-$kind.txt
  home=$(PYTHONPATH=$here python3 -c 'import sys; from sweep import packages
print(packages.folder(sys.argv[1]))' "$kind")
  cmp -s "$list" "$home/installed-from.txt" && continue
  python=python3
  "$python" -m pip --version >/dev/null 2>&1 || python=/usr/bin/python3
  "$python" -m pip --version >/dev/null 2>&1 || die "python3 has no pip; install python3-pip"
  mkdir -p "$(dirname "$home")"
  work=$(mktemp -d "$(dirname "$home")/.incoming-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "installing $(grep -v '^#' "$list" | tr '\n' ' ')into $home"
  "$python" -m pip install --disable-pip-version-check --root-user-action=ignore --quiet \
    --no-warn-conflicts --only-binary=:all: --target "$work" -r "$list" >"$work.log" 2>&1 ||
    { tail -n 5 "$work.log" >&2; rm -f "$work.log"; die "pip could not install $list from PyPI"; }
  rm -f "$work.log"
  cp "$list" "$work/installed-from.txt"
  chmod 755 "$work"
  rm -rf "$home"
  mv -T "$work" "$home"
done
