#!/usr/bin/env bash
# What a user names by an address, at both ends: libav's protocols and devices.  Usage: network.sh BIN
# The other side is ffmpeg, on this machine.
source "$(dirname "$0")/common.sh"
enc=$bin/semcodec-encode
dec=$bin/semcodec-decode
frames=50
port=$((20000 + RANDOM % 20000))

# listening tcp|udp PORT: waits until somebody does.
listening() {
  local hex
  hex=$(printf '%04X' "$2")
  for _ in $(seq 600); do
    awk '{ print $2 }' "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null | grep -q ":$hex\$" && return
    sleep 0.05
  done
  fail "nobody listens at $1 port $2"
}
has() { [[ " $(ffmpeg -hide_banner -v error -protocols | tr '\n' ' ') " == *" $1 "* ]]; }

clip 128x96 $frames "$dir/clip.y4m"
"$enc" "$dir/clip.y4m" "$dir/a.sem" -q --profile semantic
ffmpeg -v error -nostdin -i "$dir/clip.y4m" -c:v libx264 -g 25 -pix_fmt yuv420p "$dir/clip.ts"

# The decoder's output.
"$dec" "$dir/a.sem" "$dir/a.ts" -q
[ "$(frames_of "$dir/a.ts")" = $frames ] || fail "a.ts has $(frames_of "$dir/a.ts") frames"
refuses 6 "tcp://127.0.0.1:1: Connection refused" "$dec" "$dir/a.sem" tcp://127.0.0.1:1
refuses 2 "not an output format" "$dec" "$dir/a.sem" tcp://127.0.0.1:1 -f avi
refuses 6 "gopher" "$dec" "$dir/a.sem" nosuch://127.0.0.1:1/gopher

# datagrams PORT SKIP FILE: keeps what comes at the port until nothing does for 3 s, without the first SKIP
# bytes of each datagram.
datagrams() {
  python3 -c '
import socket, sys
port, skip, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
receiver.bind(("127.0.0.1", port))
receiver.settimeout(120)
with open(path, "wb") as out:
    try:
        while True:
            out.write(receiver.recv(65536)[skip:])
            receiver.settimeout(3)
    except TimeoutError:
        pass' "$@"
}

# arrived NAME FILE: all frames are there.
arrived() {
  local got
  got=$(frames_of "$2")
  [ "$got" = $frames ] || fail "$1 brought $got of $frames frames: $(cat "$dir/ffmpeg.txt" 2>/dev/null)"
  port=$((port + 10))
}

# send NAME LISTENER RECEIVER SENDER [OPTIONS]: ffmpeg receives at RECEIVER what the decoder sends.
send() {
  local name=$1 kind=$2 receiver=$3 sender=$4
  shift 4
  ffmpeg -v error -nostdin -y ${read_as:-} -i "$receiver" -c copy -copyts "$dir/$name.nut" 2>"$dir/ffmpeg.txt" &
  local pid=$!
  listening "$kind" $port
  "$dec" "$dir/a.sem" "$sender" -q "$@"
  wait $pid || fail "ffmpeg could not receive by $name: $(cat "$dir/ffmpeg.txt")"
  arrived "$name" "$dir/$name.nut"
}
send tcp tcp "tcp://127.0.0.1:$port?listen=1" "tcp://127.0.0.1:$port"
send mkv tcp "tcp://127.0.0.1:$port?listen=1" "tcp://127.0.0.1:$port" -f mkv
read_as="-f yuv4mpegpipe" send y4m tcp "tcp://127.0.0.1:$port?listen=1" "tcp://127.0.0.1:$port" -f y4m
if has srt; then
  send srt udp "srt://127.0.0.1:$port?mode=listener" "srt://127.0.0.1:$port"
else
  echo "network: this libav has no srt, so that is not tested"
fi
for name in udp rtp; do
  datagrams $port $([ $name = rtp ] && echo 12 || echo 0) "$dir/$name.ts" &
  pid=$!
  listening udp $port
  "$dec" "$dir/a.sem" "$name://127.0.0.1:$port" -q
  wait $pid
  arrived $name "$dir/$name.ts"
done

# Datagrams leave at the time of their pictures.
begin=$(date +%s%N)
"$dec" "$dir/a.sem" udp://127.0.0.1:$port -q
took=$((($(date +%s%N) - begin) / 1000000))
[ $took -ge $((40 * (frames - 1))) ] || fail "$frames pictures were sent in $took ms"

# Ctrl-C while nobody connects.
"$dec" "$dir/a.sem" "tcp://127.0.0.1:$port?listen=1" -q 2>"$dir/err.txt" &
pid=$!
listening tcp $port
kill -INT $pid
got=0
wait $pid || got=$?
[ $got -eq 130 ] || fail "Ctrl-C before anybody connected ended with $got: $(cat "$dir/err.txt")"
port=$((port + 10))

# receive NAME LISTENER RECEIVER SENDER STATUS FORMAT [OPTIONS]: the encoder receives what ffmpeg sends,
# all of it but $lost frames, and $more at most that were not sent: RTSP's pictures come as datagrams on a link of
# their own, whose order changes on a busy machine, and H.264's decoder conceals what it then cannot read.
receive() {
  local name=$1 kind=$2 receiver=$3 sender=$4 wanted=$5 format=$6 got=0
  shift 6
  "$enc" "$receiver" "$dir/$name.sem" --profile semantic --progress none "$@" 2>"$dir/err.txt" &
  local pid=$!
  listening "$kind" $port
  ffmpeg -v error -nostdin -re -i "$dir/clip.ts" -c copy -f "$format" "$sender" || fail "ffmpeg could not send by $name"
  wait $pid || got=$?
  [ $got -eq "$wanted" ] || fail "$name ended with $got, not $wanted: $(cat "$dir/err.txt")"
  "$dec" "$dir/$name.sem" "$dir/$name.y4m" -q -y
  got=$(frames_of "$dir/$name.y4m")
  [ "$got" -ge $((frames - lost)) ] && [ "$got" -le $((frames + more)) ] || fail "$name brought $got of $frames frames"
  port=$((port + 10))
}
more=0
lost=2 # a link may end before its last picture is whole
receive in_tcp tcp "tcp://127.0.0.1:$port?listen=1" "tcp://127.0.0.1:$port" 0 mpegts
more=2 receive in_rtsp tcp "rtsp://127.0.0.1:$port/live" "rtsp://127.0.0.1:$port/live" 0 rtsp --input-options rtsp_flags=listen
# The end of a link without a connection is that nothing comes any more.
receive in_udp udp "udp://127.0.0.1:$port?timeout=3000000" "udp://127.0.0.1:$port?pkt_size=1316" 3 mpegts
# libav reads the end of an SRT connection as an error, and SRT drops what comes later than its latency: on a
# machine that is busy, and what the sender still held when it went.
if has srt; then
  lost=$((frames - 1))
  receive in_srt udp "srt://127.0.0.1:$port?mode=listener" "srt://127.0.0.1:$port" 3 mpegts
fi

# Devices: lavfi stands for cameras, which not every machine has.
refuses 2 "no input format" "$enc" x "$dir/x.sem" -f nosuchdevice
refuses 2 "no option" "$enc" "$dir/clip.ts" "$dir/x.sem" --input-options colour=red
got=0
"$enc" testsrc2=size=128x96:rate=25:duration=1 "$dir/device.sem" -f lavfi -q 2>"$dir/err.txt" || got=$?
if [ $got -eq 2 ] && grep -q libavdevice-dev "$dir/err.txt"; then
  echo "network: this build has no devices, and says so"
else
  [ $got -eq 0 ] || fail "lavfi ended with $got: $(cat "$dir/err.txt")"
  "$dec" "$dir/device.sem" "$dir/device.y4m" -q
  [ "$(frames_of "$dir/device.y4m")" = 25 ] || fail "lavfi gave $(frames_of "$dir/device.y4m") frames"
fi
echo "network: all good"
