#!/usr/bin/env bash
# Disks that are full, pipes that close, files that stop being readable: a sentence, an exit code, and
# nothing lost that was finished.  Usage: failures.sh BIN FAILING_READS
source "$(dirname "$0")/common.sh"
enc=$bin/semcodec-encode
dec=$bin/semcodec-decode
failing_reads=$2

begin "a clip and its streams"
clip 128x96 50 "$dir/clip.y4m"
"$enc" "$dir/clip.y4m" "$dir/good.sem" -q --keyint 0.5s --profile semantic
"$enc" "$dir/clip.y4m" "$dir/good.pkt" -q --keyint 0.5s --profile semantic --packets

begin "a device without room"
# A device without room.
for what in "$enc $dir/clip.y4m /dev/full -y" "$enc $dir/clip.y4m /dev/full -y --packets" \
  "$dec $dir/good.sem /dev/full -y --format y4m" "$dec $dir/good.sem /dev/full -y --format mp4"; do
  # shellcheck disable=SC2086
  refuses 6 "/dev/full.*no space left" $what
done
refuses 6 "stdout.*no space left" bash -c "'$enc' '$dir/clip.y4m' - -q >/dev/full"
refuses 6 "stdout.*no space left" bash -c "'$dec' '$dir/good.sem' - -q >/dev/full"

begin "a limit on the size of files"
# A limit on the size of files, in KiB, which also sends a signal. What was there before stays.
limited() { (ulimit -f "$1"; shift; exec "$@"); }
for target in x.sem x.pkt; do
  echo precious >"$dir/$target"
  packets=$([ $target = x.pkt ] && echo --packets || true)
  # shellcheck disable=SC2086
  refuses 6 "$target.*too large" limited 1 "$enc" "$dir/clip.y4m" "$dir/$target" -y --profile paper $packets
  [ "$(cat "$dir/$target")" = precious ] || fail "a full disk cost the $target that was there"
done
for target in x.mp4 x.mkv x.y4m; do
  echo precious >"$dir/$target"
  refuses 6 "$target.*too large" limited 4 "$dec" "$dir/good.sem" "$dir/$target" -y
  [ "$(cat "$dir/$target")" = precious ] || fail "a full disk cost the $target that was there"
done

begin "a full file system"
# A small file system, where one may be mounted.
if unshare -rm true 2>/dev/null; then
  mkdir "$dir/small"
  refuses 6 "no space left" unshare -rm bash -c "mount -t tmpfs -o size=64k none '$dir/small' &&
    '$dec' '$dir/good.sem' '$dir/small/x.y4m' -q; status=\$?; [ -z \"\$(ls '$dir/small')\" ] || status=99; exit \$status"
else
  echo "failures: no file system may be mounted here (unshare -rm), so a full one is not tested"
fi

begin "the reader of a pipe goes away"
# Whoever reads goes away.
for what in "'$enc' '$dir/clip.y4m' -" "'$dec' '$dir/good.sem' -" "'$dec' '$dir/good.sem' - --format mp4"; do
  refuses 6 "stdout.*broken pipe" bash -c "set -o pipefail; $what -q | true"
done

begin "the input of the encoder fails in the middle"
# The input fails in the middle: what came before is kept, whole.
half=$(($(stat -c %s "$dir/clip.y4m") / 2))
refuses 3 "clip.y4m.*input/output error" env LD_PRELOAD="$failing_reads" FAIL_PATH="$dir/clip.y4m" \
  FAIL_AFTER=$half "$enc" "$dir/clip.y4m" "$dir/half.sem" --passes 1
[ "$("$bin/semcodec-info" "$dir/half.sem" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["status"])')" = complete ] ||
  fail "what was read before the error is no whole stream"
"$dec" "$dir/half.sem" "$dir/half.mp4" -q
frames=$(frames_of "$dir/half.mp4")
[ "$frames" -ge 20 ] && [ "$frames" -le 26 ] || fail "$frames frames of half a clip of 50"
begin "the input of the decoder fails in the middle"
for input in good.sem good.pkt; do
  half=$(($(stat -c %s "$dir/$input") * 6 / 10))
  packets=$([ $input = good.pkt ] && echo --packets || true)
  # shellcheck disable=SC2086
  refuses 3 "input/output error" env LD_PRELOAD="$failing_reads" FAIL_PATH="$dir/$input" \
    FAIL_AFTER=$half "$dec" "$dir/$input" "$dir/$input.mp4" $packets
  frames=$(frames_of "$dir/$input.mp4")
  [ "$frames" -ge 10 ] && [ "$frames" -le 45 ] || fail "$frames frames of part of $input"
done
[ -z "$(find "$dir" -name '*.part*')" ] || fail "temporary files were left: $(find "$dir" -name '*.part*')"
