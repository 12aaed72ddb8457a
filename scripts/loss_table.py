#!/usr/bin/env python3
"""Delivered pictures under packet loss: semcodec with and without forward error correction beside H.264 and
H.265 in MPEG-TS and AV1 in Matroska, at the same total rate and under the same loss patterns.

    loss_table.py CLIP [--rate 16k] [--loss 0,1,3,5,10,20] [--burst 1,5] [--bin build/bin]

Every codec's packets go through scripts/channel.py: semcodec's own, and the others' streams cut into pieces of
188 bytes (one TS packet, the smallest unit a receiver can use). libav does not carry AV1 in MPEG-TS, so that one
travels in Matroska with a cluster every 0.2 s, whose header is never lost here, to its favour. Rates count
headers and parity. Frames that a decoder does not deliver are shown as the one before, as a player does. Those
that semcodec-decode says were lost and concealed are counted by themselves. The longest freeze is the longest time
without another picture, whether none came or the same one again. Prints a Markdown table; --json FILE also
keeps the figures. --keep FOLDER keeps what was encoded, and uses what a run before has kept there.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CODECS = {"h264": ["-c:v", "libx264", "-preset", "medium"],
          "h265": ["-c:v", "libx265", "-preset", "medium", "-x265-params", "log-level=error"],
          "av1": ["-c:v", "libaom-av1", "-cpu-used", "6", "-row-mt", "0"]}


def run(*command, check=True, **options):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if check and result.returncode != 0:
        raise SystemExit(f"loss_table.py: {pathlib.Path(command[0]).name} failed: {result.stderr.strip()[-500:]}")
    return result


def parse_rate(text):
    return float(text[:-1]) * 1000 if text.endswith("k") else float(text)


def probe(clip):
    out = run("ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries",
              "stream=width,height,r_frame_rate,nb_read_packets", "-of", "json", clip).stdout
    stream = json.loads(out)["streams"][0]
    num, den = map(int, stream["r_frame_rate"].split("/"))
    return {"frames": int(stream["nb_read_packets"]), "rate": num / den, "width": stream["width"],
            "height": stream["height"]}


def encode_semcodec(args, clip, info, fec, folder):
    """A file of packets whose total rate is the wanted one: the target is lowered by what packets add."""
    path = folder / f"semcodec{fec}.pkt"
    rate, seconds = args.rate, info["frames"] / info["rate"]
    if path.exists():
        return path, 8 * path.stat().st_size / seconds
    target = rate / (1.05 + fec)
    for _ in range(3):
        run(args.bin / "semcodec-encode", clip, path, "-y", "-q", "--packets", "--packet-size", args.packet_size,
            "--fec", f"{100 * fec:.0f}%", "--bitrate", int(target), "--keyint", args.keyint)
        total = 8 * path.stat().st_size / seconds
        if abs(total / rate - 1) < 0.04:
            break
        target *= rate / total
    return path, total


def encode_other(args, clip, info, codec, folder):
    """Packets at the same rate, and what of the stream is never lost; below what the codec reaches, at half and
    a quarter of the size."""
    container = ["-f", "matroska", "-cluster_time_limit", "200"] if codec == "av1" else ["-f", "mpegts"]
    path, seconds = folder / f"{codec}.stream", info["frames"] / info["rate"]
    kept, best = folder / f"{codec}.kept", None
    if kept.exists():
        best = (kept.read_bytes(), 8 * kept.stat().st_size / seconds)
    for scale in (1, 2, 4) if best is None else ():
        size = f"scale={info['width'] // scale // 2 * 2}:{info['height'] // scale // 2 * 2}"
        target = args.rate
        for _ in range(4):
            keyint = round(args.keyint * info["rate"])
            run("ffmpeg", "-v", "error", "-y", "-nostdin", "-i", clip, "-an", "-vf", size, *CODECS[codec],
                "-b:v", max(1000, int(target)), "-g", keyint, "-pix_fmt", "yuv420p", *container, path)
            total = 8 * path.stat().st_size / seconds
            if best is None or abs(total - args.rate) < abs(best[1] - args.rate):
                best = (path.read_bytes(), total)
            if abs(total / args.rate - 1) < 0.05:
                break
            target *= args.rate / total
        if best[1] <= 1.1 * args.rate:
            break
    kept.write_bytes(best[0])
    header, data = cut_header(best[0]) if codec == "av1" else (b"", best[0])
    packets = folder / f"{codec}.pkt"
    packets.write_bytes(as_packets(data))
    return packets, best[1], header


def cut_header(data):
    """Matroska up to its first cluster, and the rest."""
    at = data.find(b"\x1f\x43\xb6\x75")
    if at < 0:
        raise SystemExit("loss_table.py: a Matroska file without clusters")
    return data[:at], data[at:]


def as_packets(data, size=188):
    pieces = (data[i:i + size] for i in range(0, len(data), size))
    return b"".join(len(piece).to_bytes(2, "big") + piece for piece in pieces)


def unpack(path, target, header=b""):
    data, at, out = path.read_bytes(), 0, bytearray(header)
    while at + 2 <= len(data):
        size = data[at] << 8 | data[at + 1]
        out += data[at + 2:at + 2 + size]
        at += 2 + size
    target.write_bytes(out)


def still_times(video):
    """How long the picture stands, each time that it does so for 0.2 s or more, in seconds."""
    out = run("ffmpeg", "-v", "info", "-nostdin", "-i", video, "-vf", "freezedetect=n=0.0003:d=0.2", "-f", "null", "-",
              check=False).stderr
    times = [float(value) for value in re.findall(r"freeze_duration: ([0-9.]+)", out)]
    starts = [float(value) for value in re.findall(r"freeze_start: ([0-9.]+)", out)]
    length = re.search(r"Duration: (\d+):(\d+):([0-9.]+)", out)
    if len(starts) > len(times) and length:  # to the very end
        times.append(int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) - starts[-1])
    return times


def figures(args, clip, decoded, info, folder):
    """Times of the pictures that came, and quality with the others held."""
    if not decoded.exists() or decoded.stat().st_size == 0:
        return {"delivered": 0, "freeze": info["frames"] / info["rate"], "psnr": None, "lpips": None}
    out = run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0",
              decoded).stdout
    times = sorted(float(line.strip(",")) for line in out.split() if line.strip(",").replace(".", "").lstrip("-").isdigit())
    end = info["frames"] / info["rate"]
    marks = [0.0] + times + [end]
    freeze = max([b - a for a, b in zip(marks, marks[1:])] + still_times(decoded))
    report = folder / "eval.json"
    run(args.bin / "semcodec-eval", clip, decoded, "-y", "-q", "--hold", "--metrics", "psnr,lpips", "--json", report,
        check=False)
    values = json.loads(report.read_text()) if report.exists() else {}
    return {"delivered": min(1.0, len(times) / info["frames"]), "freeze": freeze, "psnr": values.get("psnr"),
            "lpips": values.get("lpips_squeeze")}


def decode(args, name, packets, header, folder):
    """The video, and how many of its frames were made up."""
    target = folder / "decoded.mkv"
    target.unlink(missing_ok=True)
    if name.startswith("semcodec"):
        said = run(args.bin / "semcodec-decode", packets, target, "-y", "--progress", "none", "--packets", check=False).stderr
        concealed = re.search(r"(\d+) frames were lost and concealed", said)
        return target, int(concealed[1]) if concealed else 0
    stream = folder / "lossy.stream"
    unpack(packets, stream, header)
    run("ffmpeg", "-v", "quiet", "-y", "-nostdin", "-fflags", "+discardcorrupt", "-i", stream, "-c:v", "libx264", "-crf",
        "10", "-preset", "veryfast", "-fps_mode", "passthrough", target, check=False)
    return target, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip")
    parser.add_argument("--rate", type=parse_rate, default=16000.0, help="bit/s of everything (16k)")
    parser.add_argument("--loss", default="0,1,3,5,10,20", help="percentages")
    parser.add_argument("--burst", default="1,5", help="mean lengths of runs of losses; 1: independent")
    parser.add_argument("--fec", type=float, default=0.3)
    parser.add_argument("--keyint", type=float, default=4, help="seconds between entry points, of all codecs")
    parser.add_argument("--packet-size", type=int, default=188)
    parser.add_argument("--codecs", default="semcodec,semcodec-fec,h264,h265,av1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parent / "build" / "bin")
    parser.add_argument("--json")
    parser.add_argument("--keep", type=pathlib.Path)
    args = parser.parse_args()
    info, rows = probe(args.clip), []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        kept = args.keep or folder
        kept.mkdir(parents=True, exist_ok=True)
        for codec in args.codecs.split(","):
            header = b""
            if codec.startswith("semcodec"):
                packets, rate = encode_semcodec(args, args.clip, info, args.fec if codec.endswith("fec") else 0, kept)
            else:
                packets, rate, header = encode_other(args, args.clip, info, codec, kept)
            for burst in map(float, args.burst.split(",")):
                for loss in map(float, args.loss.split(",")):
                    if loss == 0 and burst > 1:
                        continue
                    lossy = folder / "lossy.pkt"
                    extra = ["--burst", burst] if burst > 1 else []
                    run(sys.executable, HERE / "channel.py", packets, lossy, "--loss", f"{loss}%", "--seed", args.seed, *extra)
                    video, concealed = decode(args, codec, lossy, header, folder)
                    row = {"codec": codec, "kbps": rate / 1000, "loss": loss, "burst": burst, "concealed": concealed,
                           **figures(args, args.clip, video, info, folder)}
                    rows.append(row)
                    print(f"{codec} {loss:g} % burst {burst:g}: {100 * row['delivered']:.0f} % of frames", file=sys.stderr)
    print("| codec | kbit/s | loss | bursts of | frames delivered | of these concealed | longest freeze | PSNR | LPIPS |\n|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        show = lambda value, form: "-" if value is None else form.format(value)
        print(f"| {row['codec']} | {row['kbps']:.1f} | {row['loss']:g} % | {row['burst']:g} | {100 * row['delivered']:.0f} % | "
              f"{show(row['concealed'], '{}')} | {row['freeze']:.1f} s | {show(row['psnr'], '{:.1f}')} | {show(row['lpips'], '{:.3f}')} |")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
