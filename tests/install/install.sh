#!/usr/bin/env bash
# Installs into a scratch prefix, builds the examples there as an outsider would (CMake package and
# pkg-config), and runs them and the installed programs away from the source tree.
#   install.sh BUILD_FOLDER CXX
build=$1
cxx=$2
tree=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/../cases.sh"
prefix=$dir/prefix

begin "install"
cmake --install "$build" --prefix "$prefix" >"$dir/install.txt" 2>&1 ||
  { tail -n 5 "$dir/install.txt" >&2; fail "cmake --install"; }
lib=$(dirname "$(find "$prefix" -name 'libsemcodec_planes.so')")

begin "the libraries have versions, and export nothing but semcodec's names"
for name in planes codec; do
  file=$(readlink -f "$lib/libsemcodec_$name.so")
  soname=$(readelf -d "$file" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
  [[ $soname =~ ^libsemcodec_$name\.so\.[0-9]+\.[0-9]+$ ]] || fail "soname '$soname' of $file"
  [ -e "$lib/$soname" ] || fail "$soname is not installed"
  foreign=$(nm -D --defined-only -C "$file" | cut -d' ' -f3- | sed 's/@@.*//' |
    grep -v -E '^(semcodec::|(typeinfo|typeinfo name|vtable) for semcodec::|SEMCODEC_0$)' || true)
  [ -z "$foreign" ] || fail "libsemcodec_$name exports: $(head -n 3 <<<"$foreign")"
done

begin "planes need no torch, libav or OpenCV"
ldd "$lib/libsemcodec_planes.so" >"$dir/ldd.txt"
if grep -E 'lib(torch|c10|avcodec|avformat|opencv)' "$dir/ldd.txt"; then
  fail "libsemcodec_planes links these"
fi

begin "the examples build against the CMake package"
cp -r "$tree/examples" "$dir/examples"   # away from the source tree's headers
cmake -S "$dir/examples" -B "$dir/b" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >"$dir/cmake.txt" 2>&1 ||
  { tail -n 15 "$dir/cmake.txt" >&2; fail "the examples cannot be configured"; }
cmake --build "$dir/b" >"$dir/make.txt" 2>&1 ||
  { grep -A5 -E 'error|undefined' "$dir/make.txt" | head -n 30 >&2; fail "the examples do not build"; }

begin "an example builds with pkg-config"
export PKG_CONFIG_PATH=$lib/pkgconfig
# shellcheck disable=SC2046
"$cxx" -std=c++20 "$dir/examples/decode_planes.cpp" -o "$dir/by_pkg_config" \
  $(pkg-config --cflags --libs semcodec-planes) -Wl,-rpath,"$lib"

begin "decode_planes gives the digests of the golden streams"
cd "$dir"
for stream in "$tree"/samples/golden/*.sem; do
  for program in b/decode_planes by_pkg_config; do
    "./$program" "$stream" >planes.txt
    sed -n 's/.* \([0-9a-f]\{32\}\)$/\1/p' planes.txt >got.txt
    grep -o '[0-9a-f]\{32\}' "${stream%.sem}.digests" >want.txt
    cmp -s got.txt want.txt || fail "$program: other planes in $stream"
  done
done
if ./b/decode_planes missing.sem 2>error.txt; then fail "a missing stream was read"; fi
grep -q 'missing.sem' error.txt || fail "the error does not name the file"

begin "transcode and live_preview, and the installed programs, away from the source tree"
unset SEMCODEC_MODEL_PATH
cp "$tree/samples/street.mp4" in.mp4
"$prefix/bin/semcodec-encode" in.mp4 short.sem --limit 12 --size 128x64 --effort 9 -q
"$prefix/bin/semcodec-decode" short.sem short.mp4 --size work -q
"$prefix/bin/semcodec-info" short.sem >info.txt
grep -q '12' info.txt || fail "semcodec-info counts other frames"
./b/transcode short.mp4 out.sem out.mp4 12 >transcode.txt 2>/dev/null
grep -q '^12 frames in, 12 out' transcode.txt || fail "transcode says: $(cat transcode.txt)"
./b/live_preview short.mp4 live.y4m 2>live.txt
grep -q '^12 frames shown' live.txt || fail "live_preview says: $(cat live.txt)"
[ -s live.y4m ] || fail "live_preview wrote nothing"

begin "SEMCODEC_MODEL_PATH goes before the data folder"
mkdir -p mine
cp -r "$prefix/share/semcodec/models/default" mine/other
SEMCODEC_MODEL_PATH=$dir/mine "$prefix/bin/semcodec-decode" short.sem again.mp4 --size work \
  --model other -q
if "$prefix/bin/semcodec-decode" short.sem gone.mp4 --model nobody -q 2>error.txt; then
  fail "a model was found that is not there"
fi
grep -q SEMCODEC_MODEL_PATH error.txt || fail "the error does not say where models are looked for"
