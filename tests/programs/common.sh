# Sourced by the tests of the programs: the cases of tests/cases.sh, and bin, refuses, frames_of.
bin=$1
source "$(dirname "${BASH_SOURCE[0]}")/../cases.sh"

# refuses STATUS TEXT PROGRAM ARGS...: expects that exit status and one sentence with TEXT.
refuses() {
  local status=$1 text=$2 got=0
  shift 2
  "$@" >"$dir/out.txt" 2>"$dir/err.txt" || got=$?
  [ "$got" -eq "$status" ] || fail "$* ended with $got, not $status: $(cat "$dir/err.txt")"
  grep -qi -- "$text" "$dir/err.txt" || fail "$* did not say '$text' but: $(cat "$dir/err.txt")"
}

# Number of video frames that an independent decoder finds. It names streams of MPEG-TS twice.
frames_of() {
  ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames \
    -of default=nw=1:nk=1 "$1" | sed -n 1p
}

size_of() {
  ffprobe -v error -select_streams v -show_entries stream=width,height -of csv=p=0:s=x "$1"
}

clip() { "$bin/render_clip" --size "$1" --frames "$2" "$3"; }
