#!/usr/bin/env bash
# Installs what the project needs on a Debian 12 machine: Debian packages, LibTorch and Highway.
#
#   bash scripts/setup.sh                    install whatever is missing; the second run is quick
#   bash scripts/setup.sh --cuda             also the CUDA side of LibTorch and, from PyPI, nvcc
#   bash scripts/setup.sh --print-torch-dir  print the folder with torch's include/ and lib/
#   bash scripts/setup.sh --print-cuda-dir   print the CUDA toolkit folder that --cuda fetched
#   bash scripts/setup.sh --print-highway-dir  print the folder with Google Highway's hwy/
#
# The --print options install nothing and fail when there is no such folder.
#
# LibTorch comes from the PyTorch wheel on PyPI. A machine without an NVIDIA driver gets the C++
# CPU side only (1.2 GB); with a driver, or with --cuda, all of it (several GB). Both go to
#   ${SEMCODEC_DEPS:-${XDG_CACHE_HOME:-$HOME/.cache}/semcodec}
# which checkouts share. SEMCODEC_TORCH_DIR names a torch folder of your own, used as it is; so does
# SEMCODEC_HIGHWAY_DIR for Highway, which otherwise comes from NumPy's source archive (21 MB).
set -euo pipefail

torch_version=2.11.0
# The only two CUDA libraries that libtorch_cpu.so itself asks for.
cpu_side=("torch==$torch_version" "nvidia-cuda-runtime==13.0.96" "nvidia-cuda-cupti==13.0.85")
cuda_side=("torch==$torch_version" "cuda-toolkit[nvcc,cudart,cccl,crt,nvvm]==13.0.2")
packages=(
  g++ cmake ninja-build ccache pkg-config git ca-certificates curl
  libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libswresample-dev libaom-dev
  libopencv-core-dev libopencv-imgproc-dev libopencv-video-dev
  libprotobuf-dev protobuf-compiler libzstd-dev libisal-dev zlib1g-dev libssl-dev
  libsdl2-dev libavdevice-dev
  libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libgtest-dev
  libopenmpi-dev openmpi-bin
  python3 python3-pip ffmpeg
  # Library, packages, documentation, Python package:
  dpkg-dev file doxygen pybind11-dev python3-dev python3-numpy python3-setuptools python3-wheel)

# Google Highway 1.3.0, as NumPy's source archive on PyPI carries it: Debian 12 has 1.0.3, too old.
highway_archive=https://files.pythonhosted.org/packages/4e/3a/8770c288c47f0b5c2a786d3c20e79f66fd245f2d42cd232d7cd5e00e83e5/numpy-2.5.5.tar.gz
highway_sha256=5cddc243c75114ba845f01b1f87aca1572dbf7b6c2d88636ed3e1d2bccd7f1bf
highway_within=numpy-2.5.5/numpy/_core/src/highway

deps=${SEMCODEC_DEPS:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/semcodec}
cpu_home=$deps/torch-$torch_version
cuda_home=$deps/torch-$torch_version-cuda
highway_home=$deps/highway-1.3.0

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The torch folder in use, or nothing. The full install is a superset of the CPU one.
torch_dir() {
  if [ -n "${SEMCODEC_TORCH_DIR:-}" ]; then
    [ -e "$SEMCODEC_TORCH_DIR/include/torch" ] && printf '%s\n' "$SEMCODEC_TORCH_DIR"
  elif [ -e "$cuda_home/torch/include/torch" ]; then
    printf '%s\n' "$cuda_home/torch"
  elif [ -e "$cpu_home/torch/include/torch" ]; then
    printf '%s\n' "$cpu_home/torch"
  else
    return 1
  fi
}

cuda_dir() {
  [ -x "$cuda_home/nvidia/cu13/bin/nvcc" ] && printf '%s\n' "$cuda_home/nvidia/cu13"
}

highway_dir() {
  local home=${SEMCODEC_HIGHWAY_DIR:-$highway_home}
  [ -e "$home/hwy/highway.h" ] && printf '%s\n' "$home"
}

have_driver() {
  local name
  for name in /usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu /usr/lib64 /usr/lib/wsl/lib \
              /usr/local/nvidia/lib64; do
    [ -e "$name/libcuda.so.1" ] && return 0
  done
  return 1
}

want_cuda=no
for argument in "$@"; do
  case $argument in
    --cuda) want_cuda=yes ;;
    --print-torch-dir) torch_dir; exit ;;
    --print-cuda-dir) cuda_dir; exit ;;
    --print-highway-dir) highway_dir; exit ;;
    -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit ;;
    *) die "unknown option $argument; see: bash scripts/setup.sh --help" ;;
  esac
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs a command with its output kept aside and shown only when it fails.
quietly() {
  local sentence=$1
  shift
  "$@" >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "$sentence"; }
}

install_packages() {
  local missing=() name installed root=()
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    check_without_apt
    return
  fi
  # dpkg-query fails when it does not know a name at all, which is the very case asked about.
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null ||
    true)
  for name in "${packages[@]}"; do
    case $'\n'$installed$'\n' in *$'\n'"installed $name"$'\n'*) ;; *) missing+=("$name") ;; esac
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      die "these Debian packages are missing and neither root nor sudo is at hand: ${missing[*]}"
    root=(sudo)
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  quietly "apt-get update failed; are the package sources reachable?" \
    "${root[@]}" apt-get -q -o Acquire::Retries=3 update
  quietly "apt-get could not install: ${missing[*]}" \
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 \
    -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}"
}

# Elsewhere than on Debian: look for the tools themselves, and name what is not there.
check_without_apt() {
  local lacking=() name
  for name in g++ cmake ninja pkg-config protoc python3 ffmpeg; do
    command -v "$name" >/dev/null || lacking+=("$name")
  done
  if command -v pkg-config >/dev/null; then
    for name in libavformat libavcodec libavutil libswscale libswresample aom protobuf libzstd \
      openssl; do
      pkg-config --exists "$name" || lacking+=("$name")
    done
  fi
  [ ${#lacking[@]} -eq 0 ] ||
    die "there is no apt-get here; install these by hand: ${lacking[*]} (besides OpenCV core," \
      "imgproc and video, CLI11, nlohmann-json, tomlplusplus and GoogleTest; Debian's names:" \
      "${packages[*]})"
}

# pip writes into a folder beside the final one, which appears only when it is complete.
install_torch() {
  local home=$1 python=python3 work
  shift
  "$python" -m pip --version >/dev/null 2>&1 || python=/usr/bin/python3
  "$python" -m pip --version >/dev/null 2>&1 ||
    die "python3 has no pip; install python3-pip, or set SEMCODEC_TORCH_DIR to a torch folder"
  mkdir -p "$deps" || die "cannot create $deps; set SEMCODEC_DEPS to a folder that can be written"
  find "$deps" -maxdepth 1 -name '.incoming-*' -mmin +240 -exec rm -rf {} +   # left by a killed run
  work=$(mktemp -d "$deps/.incoming-XXXXXX") || die "cannot write into $deps"
  trap 'rm -rf "$work" "$log"' EXIT
  mkdir "$work/tmp"   # pip unpacks here, so that moving into place is a rename
  TMPDIR=$work/tmp quietly "pip could not install PyTorch $torch_version from PyPI into $deps" \
    "$python" -m pip install --disable-pip-version-check --root-user-action=ignore --quiet \
    --no-compile --no-cache-dir --only-binary=:all: --target "$work/packages" "$@"
  [ -e "$work/packages/torch/lib/libtorch_cpu.so" ] ||
    die "the PyTorch $torch_version wheel for this machine has no libtorch_cpu.so"
  rm -rf "$home"
  # Another checkout may have been faster; its install is as good.
  mv -T "$work/packages" "$home" 2>/dev/null || [ -e "$home/torch/include/torch" ] ||
    die "could not move PyTorch to $home"
  rm -rf "$work"
  trap 'rm -f "$log"' EXIT
}

# Only its headers, sources and licence; like torch, complete or not there at all.
install_highway() {
  local work
  mkdir -p "$deps" || die "cannot create $deps; set SEMCODEC_DEPS to a folder that can be written"
  work=$(mktemp -d "$deps/.incoming-XXXXXX") || die "cannot write into $deps"
  trap 'rm -rf "$work" "$log"' EXIT
  quietly "cannot fetch Highway from $highway_archive" \
    curl -fsSL --retry 3 -o "$work/archive" "$highway_archive"
  printf '%s  %s\n' "$highway_sha256" "$work/archive" | sha256sum --status -c - ||
    die "what came from $highway_archive is not the expected file; try again"
  quietly "cannot unpack $highway_archive" tar -xzf "$work/archive" -C "$work" \
    --strip-components=5 "$highway_within/hwy" "$highway_within/LICENSE"
  rm "$work/archive"
  mv -T "$work" "$highway_home" 2>/dev/null || [ -e "$highway_home/hwy/highway.h" ] ||
    die "could not move Highway to $highway_home"
  rm -rf "$work"
  chmod 755 "$highway_home"
  trap 'rm -f "$log"' EXIT
}

install_packages

if [ -z "${SEMCODEC_HIGHWAY_DIR:-}" ] && ! highway_dir >/dev/null; then
  say "fetching Google Highway into $highway_home (21 MB to download)"
  install_highway
fi

if [ -n "${SEMCODEC_TORCH_DIR:-}" ]; then
  torch_dir >/dev/null ||
    die "SEMCODEC_TORCH_DIR=$SEMCODEC_TORCH_DIR has no include/torch; name a torch folder with" \
      "include/ and lib/"
elif [ "$want_cuda" = yes ] || have_driver; then
  if [ ! -e "$cuda_home/torch/include/torch" ]; then
    say "installing PyTorch $torch_version with CUDA into $cuda_home (about 3 GB to download)"
    install_torch "$cuda_home" "${cuda_side[@]}"
  fi
elif ! torch_dir >/dev/null; then
  say "installing the C++ side of PyTorch $torch_version into $cpu_home (about 0.6 GB to download)"
  install_torch "$cpu_home" --no-deps "${cpu_side[@]}"
fi
