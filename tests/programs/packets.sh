#!/usr/bin/env bash
# Streams as packets: a file, a bad link, UDP, what is refused.  Usage: packets.sh BIN
source "$(dirname "$0")/common.sh"
enc=$bin/semcodec-encode
dec=$bin/semcodec-decode
channel=scripts/channel.py

begin "a clip and its stream"
clip 128x96 60 "$dir/clip.y4m"
"$enc" "$dir/clip.y4m" "$dir/plain.sem" -q --keyint 0.5s
"$dec" "$dir/plain.sem" "$dir/plain.y4m" -q

begin "packets that all arrive"
# Whole: the same pictures as without packets.
"$enc" "$dir/clip.y4m" "$dir/a.pkt" -q --keyint 0.5s --packets --packet-size 120 --fec 50%
"$dec" "$dir/a.pkt" "$dir/a.y4m" -q --packets
cmp "$dir/a.y4m" "$dir/plain.y4m" || fail "packets gave other pictures than the stream"

begin "a link that loses, with error correction"
# Through a pipe, and a link that loses, turns round and repeats: refined.
"$enc" "$dir/clip.y4m" - -q --keyint 0.5s --packets --packet-size 60 --fec 60% |
  python3 $channel - - --loss 10% --reorder 5% --duplicate 5% --seed 7 2>/dev/null |
  "$dec" - "$dir/b.y4m" --packets --progress none 2>"$dir/err.txt"
cmp "$dir/b.y4m" "$dir/plain.y4m" || fail "10 % loss was not refined: $(cat "$dir/err.txt")"
grep -q " 0 lost" "$dir/err.txt" || fail "no report of packets: $(cat "$dir/err.txt")"

begin "a link that loses, without error correction"
# Without error correction a loss costs up to the next entry point, and is said.
"$enc" "$dir/clip.y4m" "$dir/c.pkt" -q --keyint 0.5s --packets --packet-size 100
python3 $channel "$dir/c.pkt" "$dir/bad.pkt" --loss 5% --seed 3 2>/dev/null
"$dec" "$dir/bad.pkt" "$dir/c.y4m" --packets --progress none 2>"$dir/err.txt" || fail "losses stopped the decoder"
grep -q "damaged" "$dir/err.txt" || fail "losses were not reported: $(cat "$dir/err.txt")"
[ "$(frames_of "$dir/c.y4m")" -ge 20 ] || fail "$(frames_of "$dir/c.y4m") frames are left of 60"

begin "over UDP"
# Datagrams, with the peak kept and a command on the way.
port=$((20000 + RANDOM % 20000))
"$dec" udp://:$port "$dir/u.y4m" --progress none 2>"$dir/receiver.txt" &
receiver=$!
sleep 1
mkfifo "$dir/control"
(sleep 1; echo '{"entry_point": true}' >"$dir/control") &
"$enc" "$dir/clip.y4m" "udp://127.0.0.1:$port?pkt=200" --fec 20% --low-delay --control "$dir/control" \
  --progress none 2>"$dir/sender.txt" || fail "sending failed: $(cat "$dir/sender.txt")"
wait $receiver || fail "the receiver failed: $(cat "$dir/receiver.txt")"
[ "$(frames_of "$dir/u.y4m")" = 60 ] || fail "$(frames_of "$dir/u.y4m") frames over UDP: $(cat "$dir/receiver.txt")"
grep -q "on the wire" "$dir/sender.txt" || fail "the sender did not sum up: $(cat "$dir/sender.txt")"

begin "what is refused"
# What cannot be.
refuses 2 "add --packets" "$enc" "$dir/clip.y4m" "$dir/x.sem" --fec 30%
refuses 2 "fec" "$enc" "$dir/clip.y4m" "$dir/x.pkt" --packets --fec lots
refuses 2 "port" "$enc" "$dir/clip.y4m" udp://localhost
refuses 2 "call" "$enc" "$dir/clip.y4m" kiss://localhost:8001
refuses 2 "passes" "$enc" "$dir/clip.y4m" udp://localhost:9 --bitrate 8k --passes 2
refuses 3 "missing.pkt" "$dec" "$dir/missing.pkt" "$dir/x.mp4" --packets
refuses 6 "kiss" "$enc" "$dir/clip.y4m" "kiss://127.0.0.1:1?call=N0CALL"
[ ! -e "$dir/x.sem" ] && [ ! -e "$dir/x.pkt" ] || fail "a refused run left an output"
