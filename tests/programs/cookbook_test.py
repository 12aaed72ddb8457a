#!/usr/bin/env python3
"""Runs the commands of docs/cookbook.md as they are written there.  Usage: cookbook_test.py BIN [SECTION ...]

Each section is one shell script in a folder of its own, with samples/street.mp4 and scripts/ in it and the
programs on the path. In the place of what is not here: `ssh HOST COMMAND` runs the command on this machine, and
a hub at port 8001 hands each KISS frame to everybody else who is connected, as two TNCs within range do. Each
video that a section makes has to have the clip's frames, but that of a camera, of which an encoder on a busy machine
drops some.
"""
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv[1]).resolve()
FRAMES = 100  # of samples/street.mp4


def sections():
    """Title and script of each section with commands."""
    parts = re.split(r"^## (.*)$", (HERE / "docs/cookbook.md").read_text(), flags=re.M)
    for title, text in zip(parts[1::2], parts[2::2]):
        lines = [line[4:] for line in text.split("\n") if line.startswith("    ")]
        yield title, "\n".join(lines) + "\n"


def hub():
    """A TNC that everybody in range receives."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("127.0.0.1", 8001))
    except OSError as error:
        sys.exit(f"cookbook: port 8001 is taken, so the AX.25 section cannot be run: {error}")
    server.listen()

    def work():
        others = []
        while True:
            for ready in select.select([server, *others], [], [])[0]:
                if ready is server:
                    others.append(server.accept()[0])
                    continue
                try:
                    data = ready.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    others.remove(ready)
                for other in others:
                    if other is not ready and data:
                        other.sendall(data)

    threading.Thread(target=work, daemon=True).start()


def frames_of(path):
    got = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries",
                          "stream=nb_read_frames", "-of", "default=nw=1:nk=1", path], capture_output=True, text=True)
    return int(got.stdout or 0)


def expected(video, said):
    """All of the clip's, but of a camera those that the encoder was ready for: it says how many."""
    if video.name != "street_live.mp4":
        return FRAMES
    dropped = re.search(r"^(\d+) of (\d+) frames were dropped", said, flags=re.M)
    return int(dropped[2]) - int(dropped[1]) if dropped else FRAMES


def main():
    wanted = sys.argv[2:]
    found = list(sections())
    if len(found) < 5:
        sys.exit(f"FAILED: docs/cookbook.md has {len(found)} sections with commands")
    hub()
    for title, script in found:
        if wanted and title not in wanted:
            continue
        with tempfile.TemporaryDirectory() as name:
            place = pathlib.Path(name)
            (place / "street.mp4").symlink_to(HERE / "samples/street.mp4")
            (place / "scripts").symlink_to(HERE / "scripts")
            tools = place / "tools"
            tools.mkdir()
            (tools / "ssh").write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
            (tools / "ssh").chmod(0o755)
            environment = dict(os.environ, PATH=f"{tools}:{BIN}:{os.environ['PATH']}")
            # Into a file: what a script leaves running in the background would keep a pipe open.
            with open(place / "said", "w") as said:
                shell = subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], cwd=place, env=environment, stdout=said,
                                         stderr=subprocess.STDOUT, start_new_session=True)
                try:
                    status = shell.wait(560)
                except subprocess.TimeoutExpired:
                    status = "no end"
                finally:
                    try:
                        os.killpg(shell.pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass  # nothing is left
            said = (place / "said").read_text()
            if status != 0:
                sys.exit(f"FAILED: {title} ended with {status}:\n{script}\n{said[-3000:]}")
            videos = sorted(place.glob("street_*"))
            if not videos:
                sys.exit(f"FAILED: {title} made no video")
            for video in videos:
                frames = frames_of(video)
                if frames != expected(video, said):
                    sys.exit(f"FAILED: {title}: {video.name} has {frames} frames of {FRAMES}:\n{said[-3000:]}")
            print(f"{title}: {', '.join(video.name for video in videos)}, all frames each", flush=True)
    print("cookbook: all good")


if __name__ == "__main__":
    main()
