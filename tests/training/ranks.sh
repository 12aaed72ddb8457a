#!/usr/bin/env bash
# Two local ranks train as one rank with the same batch does; one that dies ends the job.
source "$(dirname "${BASH_SOURCE[0]}")/../programs/common.sh" "$1"
if ! command -v mpirun >/dev/null; then
  skip "mpirun is missing; apt-get install openmpi-bin libopenmpi-dev, then build again"
fi
source "$(dirname "${BASH_SOURCE[0]}")/two_ranks.sh" 6
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
ranks() { mpirun --oversubscribe --bind-to none -n "$@"; }
train() { "$bin/semcodec-train" generator "$dir/two.toml" --set data="$dir/store" -q --set output="$@"; }

begin "two ranks train as one"
train "$dir/one"
ranks 2 "$bin/semcodec-train" generator "$dir/two.toml" --set data="$dir/store" \
  --set output="$dir/both" -q
python3 - "$dir/one/losses.csv" "$dir/both/losses.csv" <<'PY'
import csv, sys
one, two = (list(csv.DictReader(open(path))) for path in sys.argv[1:])
assert len(one) == len(two) == 6, (len(one), len(two))
for a, b in zip(one, two):
    x, y = float(a["loss"]), float(b["loss"])
    assert abs(x - y) <= 2e-3 * abs(x), f"step {a['step']}: {x} on one rank, {y} on two"
PY

begin "two ranks of the edge stage"
# Another stage: the same trainer.
edges() { # NAME LAUNCHER...
  local name=$1
  shift
  "$@" "$bin/semcodec-train" edges --set data="$dir/store" --set device=cpu --set threads=1 -q \
    --set edges.teacher=models/zoo/default/edges.safetensors --set edges.steps=3 \
    --set edges.batch=2 --set edges.crop=64 --set edges.log_every=1 --set output="$dir/edges-$name"
}
edges one
edges two mpirun --oversubscribe --bind-to none -n 2
python3 - "$dir/edges-one/losses.csv" "$dir/edges-two/losses.csv" <<'PY'
import csv, sys
one, two = (list(csv.DictReader(open(path))) for path in sys.argv[1:])
assert len(one) == len(two) == 3, (len(one), len(two))
for a, b in zip(one, two):
    x, y = float(a["loss"]), float(b["loss"])
    assert abs(x - y) <= 2e-3 * abs(x), f"step {a['step']}: {x} on one rank, {y} on two"
PY

begin "a batch that cannot be shared"
# A batch that cannot be shared is a sentence, and the job ends.
got=0
ranks 2 timeout 60 "$bin/semcodec-train" generator "$dir/two.toml" --set data="$dir/store" \
  --set output="$dir/odd" --set generator.batch=3 >"$dir/odd.txt" 2>&1 || got=$?
[ "$got" -ne 0 ] && [ "$got" -ne 124 ] || fail "a batch of 3 on 2 ranks ended with $got"
grep -q "ranks cannot share" "$dir/odd.txt" || fail "no sentence: $(cat "$dir/odd.txt")"

begin "a rank that dies"
# A rank that dies ends the job with a sentence, not a hang.
got=0
ranks 2 "$bin/semcodec-train" generator "$dir/two.toml" --set data="$dir/store" \
  --set output="$dir/dead" --set generator.steps=100000 >"$dir/dead.txt" 2>&1 &
job=$!
for _ in $(seq 1200); do
  [ -s "$dir/dead/losses.csv" ] && break
  sleep 0.1
done
victim=
for process in /proc/[0-9]*; do
  # A rank is a process of our program with this output.
  [ "$(readlink "$process/exe" 2>/dev/null)" = "$(readlink -f "$bin/semcodec-train")" ] || continue
  tr '\0' ' ' <"$process/cmdline" | grep -q "output=$dir/dead " && victim=${process#/proc/}
done
[ -n "$victim" ] || fail "no rank is running: $(cat "$dir/dead.txt")"
kill -9 "$victim"
start=$SECONDS
wait $job || got=$?
[ "$got" -ne 0 ] || fail "a job with a dead rank ended well"
[ $((SECONDS - start)) -lt 90 ] || fail "a dead rank was noticed after $((SECONDS - start)) s"
grep -qi "signal 9\|do not answer" "$dir/dead.txt" || fail "no sentence: $(cat "$dir/dead.txt")"

begin "all starts the ranks itself"
# `all` starts the ranks itself.
"$bin/semcodec-train" all "$dir/two.toml" --set data="$dir/clip.y4m" --set output="$dir/all" \
  --set prepare.size=128x96 --set edges.use=models/zoo/default --set flow.use=none \
  --set ranks=2 2>"$dir/all.txt" || fail "$(cat "$dir/all.txt")"
[ -s "$dir/all/model.json" ] || fail "no package: $(cat "$dir/all.txt")"
