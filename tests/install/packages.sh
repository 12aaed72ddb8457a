#!/usr/bin/env bash
# Makes the Debian packages and looks into them.
#   packages.sh BUILD_FOLDER
build=$1
source "$(dirname "${BASH_SOURCE[0]}")/../cases.sh"

begin "the packages are made"
(cd "$build" && cpack -G DEB -B "$dir" -D CPACK_THREADS=0) >"$dir/cpack.txt" 2>&1 ||
  { tail -n 10 "$dir/cpack.txt" >&2; fail "cpack"; }
main=$(echo "$dir"/semcodec_*.deb)
dev=$(echo "$dir"/libsemcodec-dev_*.deb)
[ -f "$main" ] && [ -f "$dev" ] || fail "the packages are $(ls "$dir")"

begin "what is in them"
dpkg-deb -c "$main" >"$dir/main.txt"
dpkg-deb -c "$dev" >"$dir/dev.txt"
for wanted in bin/semcodec-encode bin/semcodec-decode 'libsemcodec_codec\.so\.[0-9.]*$' \
  share/semcodec/models/default/model.json share/semcodec/models/default/restorer.safetensors; do
  grep -q "$wanted" "$dir/main.txt" || fail "semcodec lacks $wanted"
done
for wanted in include/semcodec/decoder.h include/semcodec/version.h \
  cmake/semcodec/semcodecConfig.cmake pkgconfig/semcodec.pc examples/transcode.cpp \
  'libsemcodec_planes.so ->'; do
  grep -q -- "$wanted" "$dir/dev.txt" || fail "libsemcodec-dev lacks $wanted"
done
dpkg-deb -f "$main" Depends | grep -q libc6 || fail "semcodec names no library that it needs"
dpkg-deb -f "$dev" Depends | grep -q '^semcodec (= ' || fail "libsemcodec-dev does not need semcodec"

begin "a program of the package runs"
dpkg-deb -x "$main" "$dir/root"
program=$(find "$dir/root" -name semcodec-info)
"$program" samples/golden/street-hybrid.sem >"$dir/info.txt" || fail "semcodec-info of the package"
grep -q hybrid "$dir/info.txt" || fail "semcodec-info says: $(cat "$dir/info.txt")"
