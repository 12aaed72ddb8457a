#!/usr/bin/env bash
# `semcodec-train options` prints every key; the tables of docs/training.md are what it prints; keys and
# old names that a stage refuses.
source "$(dirname "${BASH_SOURCE[0]}")/../programs/common.sh" "$1"

begin "the printed keys"
"$bin/semcodec-train" options >"$dir/options.txt"
for line in "  data = " "  edges.crop = 192" "  flow.steps = 10000" "  flow.batch = 6" \
  "  generator.ema = 0.998" "  restorer.ema = 0.999" "  base.layers = 0" "  prepare.size = 512"; do
  grep -qF -- "$line" "$dir/options.txt" || fail "no line '$line': $(cat "$dir/options.txt")"
done
begin "the tables of docs/training.md"
bash scripts/option_tables.sh --check "$bin/semcodec-train" || fail "docs/training.md is old"
# The check can fail.
mkdir -p "$dir/copy/docs" "$dir/copy/scripts"
sed 's/^| `flow.steps` | 10000 /| `flow.steps` | 10001 /' docs/training.md >"$dir/copy/docs/training.md"
cp scripts/option_tables.sh "$dir/copy/scripts"
got=0
bash "$dir/copy/scripts/option_tables.sh" --check "$bin/semcodec-train" >"$dir/diff.txt" 2>&1 || got=$?
[ "$got" -eq 1 ] || fail "a changed table passes the check"
bash "$dir/copy/scripts/option_tables.sh" "$bin/semcodec-train"
cmp docs/training.md "$dir/copy/docs/training.md" || fail "the tables are not mended"

begin "keys that are refused"
stage() { "$bin/semcodec-train" "$1" --set data="$dir" --set output="$dir/x" --set "$2"; }
for name in edges flow generator restorer; do
  refuses 2 "Unknown option '$name.stepz'" stage $name $name.stepz=5
  refuses 2 "is now '$name.ema'" stage $name $name.average=0.9
  refuses 2 "should be at least 1" stage $name $name.batch=0
  refuses 2 "should be main_memory or nccl" stage $name all_reduce=pigeon
done
refuses 2 "is now 'flow.steps'" stage flow flow.iterations=5
refuses 2 "is now 'flow.learning_rate'" stage flow flow.rate=1e-4
refuses 2 "'output' is missing" "$bin/semcodec-train" flow --set data="$dir"
refuses 3 "no frame stores" stage edges device=cpu
refuses 3 "no frame stores" stage flow device=cpu
