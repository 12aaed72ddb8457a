#!/usr/bin/env bash
# Sender and receiver in a network namespace each, with delay, jitter and loss on the way (tc netem).
# Skipped, with the reason, where namespaces or netem are not to be had.  Usage: netem.sh BIN
source "$(dirname "$0")/common.sh"

command -v ip >/dev/null && command -v tc >/dev/null || skip "ip or tc is missing (apt-get install iproute2)"
if [ "${NETEM_INSIDE:-}" != yes ]; then
  unshare -rn true 2>/dev/null || skip "network namespaces are not allowed here (unshare -rn)"
  unshare -rn bash -c 'ip link add v0 type veth peer name v1' 2>/dev/null || skip "there are no veth links here"
  unshare -rn bash -c 'ip link add v0 type veth peer name v1 && tc qdisc add dev v0 root netem delay 1ms' 2>"$dir/why" ||
    skip "the kernel has no netem: $(tr '\n' ' ' <"$dir/why")"
  rm -rf "$dir"
  trap - EXIT
  NETEM_INSIDE=yes exec unshare -rn bash "$0" "$bin"
fi

# This shell's namespace is the sender's, the other one's holds the receiver.
unshare -n sleep 300 &
other=$!
cleanup() { kill $other 2>/dev/null; }
sleep 0.5
ip link add here type veth peer name there
ip link set there netns $other
ip addr add 10.77.0.1/24 dev here
ip link set here up
ip link set lo up
nsenter -t $other -n bash -c "ip addr add 10.77.0.2/24 dev there && ip link set there up && ip link set lo up"
tc qdisc add dev here root netem delay 80ms 30ms loss 10% duplicate 1%

begin "a link that delays, loses and repeats"
clip 128x96 150 "$dir/clip.y4m"
"$bin/semcodec-encode" "$dir/clip.y4m" "$dir/plain.sem" -q --keyint 1s --profile semantic --passes 1
"$bin/semcodec-decode" "$dir/plain.sem" "$dir/plain.y4m" -q
nsenter -t $other -n "$bin/semcodec-decode" udp://:5004 "$dir/far.y4m" --progress none 2>"$dir/said.txt" &
receiver=$!
sleep 2
"$bin/semcodec-encode" "$dir/clip.y4m" "udp://10.77.0.2:5004?pkt=200" -q --keyint 1s --profile semantic --passes 1 --fec 100%
wait $receiver || fail "the receiver failed: $(cat "$dir/said.txt")"
cmp "$dir/far.y4m" "$dir/plain.y4m" || fail "10 % loss was not repaired: $(cat "$dir/said.txt")"
grep -q "recovered" "$dir/said.txt" || fail "no report of packets: $(cat "$dir/said.txt")"
echo "netem: $(grep -o '[0-9]* packets, .*' "$dir/said.txt")"
