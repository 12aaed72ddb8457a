#!/usr/bin/env bash
# Ranks that torchrun's environment variables tell of each other train as one rank with the same
# batch does; one that dies ends the others; variables that do not fit are refused in words.
source "$(dirname "${BASH_SOURCE[0]}")/../programs/common.sh" "$1"
source "$(dirname "${BASH_SOURCE[0]}")/two_ranks.sh" 5
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
export MASTER_ADDR=127.0.0.1
# rank N of 2: NAME ARG...
rank() {
  local number=$1 name=$2
  shift 2
  RANK=$number LOCAL_RANK=$number WORLD_SIZE=2 timeout 300 "$bin/semcodec-train" generator \
    "$dir/two.toml" --set data="$dir/store" --set output="$dir/$name" "$@" \
    >"$dir/$name.$number.txt" 2>&1
}

begin "two ranks train as one"
"$bin/semcodec-train" generator "$dir/two.toml" --set data="$dir/store" --set output="$dir/one" -q
MASTER_PORT=$(free_port)
export MASTER_PORT
rank 1 both &
other=$!
got=0
rank 0 both || got=$?
if [ "$got" -eq 5 ] && grep -q "has no Gloo" "$dir/both.0.txt"; then
  skip "$(cat "$dir/both.0.txt")"
fi
[ "$got" -eq 0 ] || fail "rank 0 ended with $got: $(cat "$dir/both.0.txt")"
wait $other || fail "rank 1 ended with $?: $(cat "$dir/both.1.txt")"
[ -s "$dir/both/generator.safetensors" ] || fail "nothing was exported"
python3 - "$dir/one/losses.csv" "$dir/both/losses.csv" <<'PY'
import csv, sys
one, two = (list(csv.DictReader(open(path))) for path in sys.argv[1:])
assert len(one) == len(two) == 5, (len(one), len(two))
for a, b in zip(one, two):
    x, y = float(a["loss"]), float(b["loss"])
    assert abs(x - y) <= 2e-3 * abs(x), f"step {a['step']}: {x} on one rank, {y} on two"
PY

begin "a rank that dies"
# A rank that dies ends the other one with a sentence, not a hang.
MASTER_PORT=$(free_port)
rank 0 dead --set generator.steps=100000 &
job=$!
RANK=1 LOCAL_RANK=1 WORLD_SIZE=2 "$bin/semcodec-train" generator "$dir/two.toml" \
  --set data="$dir/store" --set output="$dir/dead" --set generator.steps=100000 -q \
  2>"$dir/victim.txt" &
victim=$!
for _ in $(seq 1200); do
  [ -s "$dir/dead/losses.csv" ] && break
  sleep 0.1
done
[ -s "$dir/dead/losses.csv" ] || fail "the ranks did not start: $(cat "$dir/dead.0.txt")"
kill -9 $victim
start=$SECONDS
got=0
wait $job || got=$?
[ "$got" -ne 0 ] && [ "$got" -ne 124 ] || fail "a rank whose fellow died ended with $got"
[ $((SECONDS - start)) -lt 60 ] || fail "a dead rank was noticed after $((SECONDS - start)) s"
grep -q "do not answer" "$dir/dead.0.txt" || fail "no sentence: $(tail -n 3 "$dir/dead.0.txt")"

begin "variables that do not fit"
refuses 2 "MASTER_PORT is not set" env -u MASTER_PORT RANK=0 WORLD_SIZE=2 "$bin/semcodec-train" \
  generator "$dir/two.toml" --set data="$dir/store" --set output="$dir/no"
refuses 2 "RANK is '7'" env RANK=7 WORLD_SIZE=2 "$bin/semcodec-train" generator "$dir/two.toml" \
  --set data="$dir/store" --set output="$dir/no"
