#!/usr/bin/env python3
"""Senders and receivers that start, end and start again, and a link that is bad.  Usage: live_test.py BIN

Over UDP on this machine, paced by the video's own time. What is asserted is which pictures come, not how fast.
"""
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(sys.argv[1]).resolve()
SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
WIDTH, HEIGHT, FPS, FRAMES, INTERVAL = 64, 64, 25, 300, 1.0
FRAME_BYTES = 6 + WIDTH * HEIGHT * 3 // 2


def fail(text):
    sys.exit("FAILED: " + text)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bound(port):
    """Waits until somebody listens at the port."""
    for _ in range(600):
        for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]:
            if int(line.split()[1].split(":")[1], 16) == port:
                return
        time.sleep(0.05)
    fail("nobody listens at the port")


def shows(path, pictures):
    """Waits until so many pictures have come out."""
    for _ in range(2400):
        if path.stat().st_size >= pictures * FRAME_BYTES:
            return
        time.sleep(0.05)
    fail(f"{path.name} does not get {pictures} pictures")


def frames_of(path):
    data = path.read_bytes()
    data = data[data.find(b"\n") + 1:]
    return [data[at:at + FRAME_BYTES] for at in range(0, len(data) - FRAME_BYTES + 1, FRAME_BYTES)]


class Test:
    def __init__(self, folder):
        self.folder = folder
        self.clip = folder / "clip.y4m"
        subprocess.run([BIN / "render_clip", "--size", f"{WIDTH}x{HEIGHT}", "--frames", str(FRAMES), "--rate", str(FPS),
                        self.clip], check=True)
        self.settings = ["--size", f"{WIDTH}x{HEIGHT}", "--profile", "semantic", "--keyint", f"{INTERVAL}s", "--passes", "1"]
        stream, video = folder / "clip.sem", folder / "clip_decoded.y4m"
        subprocess.run([BIN / "semcodec-encode", self.clip, stream, "-q", *self.settings], check=True)
        subprocess.run([BIN / "semcodec-decode", stream, video, "-q"], check=True)
        self.whole = frames_of(video)

    def send(self, port, *options):
        return subprocess.Popen([BIN / "semcodec-encode", self.clip, f"udp://127.0.0.1:{port}?pkt=200", "-q",
                                 *self.settings, *options])

    def send_part(self, port):
        """A sender that has got half of the clip's frames and waits for more."""
        sender = subprocess.Popen([BIN / "semcodec-encode", "-", f"udp://127.0.0.1:{port}?pkt=200", "-q", *self.settings],
                                  stdin=subprocess.PIPE)
        data = self.clip.read_bytes()
        half = data.find(b"\n") + 1 + FRAMES // 2 * FRAME_BYTES
        sender.stdin.write(data[:half])
        sender.stdin.flush()
        return sender, data[half:]

    def receive(self, port, name, *options):
        path = self.folder / name
        with open(path, "wb") as out, open(self.folder / (name + ".txt"), "wb") as said:
            process = subprocess.Popen([BIN / "semcodec-decode", f"udp://:{port}", "-", "--progress", "none", *options],
                                       stdout=out, stderr=said)
        return process, path

    def said(self, name):
        return (self.folder / (name + ".txt")).read_text()

    def restarted_receiver(self):
        port = free_port()
        first, shown = self.receive(port, "first.y4m")
        bound(port)
        sender, rest = self.send_part(port)
        shows(shown, FPS)
        first.send_signal(signal.SIGKILL)
        first.wait()
        again, path = self.receive(port, "again.y4m")
        bound(port)
        sender.stdin.write(rest)
        sender.stdin.close()
        if sender.wait(300) != 0 or again.wait(300) != 0:
            fail(f"a receiver that was started again: {self.said('again.y4m')}")
        frames = frames_of(path)
        # Decoding begins at an entry point, which looks the same as in the whole stream.
        if not frames or frames[0] not in self.whole:
            fail("the first picture after a restart is none of the stream's")
        # What it received before that, it shows by the same picture.
        while len(frames) > 1 and frames[1] == frames[0]:
            frames.pop(0)
        at = FRAMES - len(frames)
        if frames != self.whole[at:]:
            fail(f"{len(frames)} pictures from picture {at} on are not the rest of the stream")
        # It listened before the second half began.
        latest = FRAMES // 2 + round(INTERVAL * FPS)
        if at > latest:
            fail(f"the first picture is number {at}, more than an interval behind number {FRAMES // 2}, before which it listened")
        print(f"receiver restarted: it listened before picture {FRAMES // 2}, its first one is number {at}")

    def restarted_sender(self):
        port = free_port()
        receiver, path = self.receive(port, "senders.y4m")
        bound(port)
        sender, _ = self.send_part(port)
        shows(path, FPS)
        sender.kill()
        sender.wait()
        if self.send(port).wait() != 0 or receiver.wait() != 0:
            fail(f"a sender that was started again: {self.said('senders.y4m')}")
        frames = frames_of(path)
        if len(frames) < FRAMES or frames[-FRAMES:] != self.whole:
            fail(f"of {len(frames)} pictures the last {FRAMES} are not all of the second sender's: {self.said('senders.y4m')}")
        if "1 restarts of the sender" not in self.said("senders.y4m"):
            fail(f"the restart was not noticed: {self.said('senders.y4m')}")
        print(f"sender restarted: {len(frames)} pictures, the last {FRAMES} all of the second sender's")

    def bad_link(self, name, fec, options, all_alike):
        """Through udp_link.py: every picture is shown, with enough error correction all as they were sent."""
        inner, outer = free_port(), free_port()
        receiver, path = self.receive(inner, name)
        bound(inner)
        link = subprocess.Popen([sys.executable, SCRIPTS / "udp_link.py", str(outer), f"127.0.0.1:{inner}", *options],
                                stderr=subprocess.PIPE, text=True)
        bound(outer)
        if self.send(outer, "--fec", fec).wait() != 0:
            fail("the sender failed on a bad link")
        try:
            receiver.wait(30)
        except subprocess.TimeoutExpired:  # the end was lost; what came is kept
            receiver.send_signal(signal.SIGINT)
            receiver.wait()
        link.send_signal(signal.SIGINT)
        said = link.communicate()[1].strip()
        frames = frames_of(path)
        concealed = re.search(r"(\d+) frames were lost and concealed", self.said(name))
        if all_alike and frames != self.whole:
            fail(f"{name}: {len(frames)} pictures, not all as they were sent; {said}; {self.said(name)}")
        if not all_alike and (len(frames) < FRAMES - 2 * FPS or (len(frames) == FRAMES and not concealed and frames != self.whole)):
            fail(f"{name}: {len(frames)} of {FRAMES} pictures are shown; {said}; {self.said(name)}")
        print(f"bad link, error correction {fec}: {len(frames)} of {FRAMES} pictures, "
              f"{concealed.group(1) if concealed else 0} of them concealed; {said}")


def main():
    with tempfile.TemporaryDirectory() as name:
        test = Test(pathlib.Path(name))
        test.restarted_receiver()
        test.restarted_sender()
        test.bad_link("protected.y4m", "100%", ["--delay", "0.05", "--jitter", "0.02", "--loss", "10%"], True)
        test.bad_link("bare.y4m", "0%", ["--delay", "0.05", "--jitter", "0.02", "--loss", "3%"], False)
    print("live: all good")


if __name__ == "__main__":
    main()
