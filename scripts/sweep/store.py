"""Finished points on disk, one file each, so that a sweep that was stopped goes on.

Anchors take hours, and are the same on every machine: `known` is a file of such points, one a line,
that comes with the project. Their streams do not, and are made again where a picture is wanted.
"""
import json
import os
import pathlib

from .codecs import ANCHORS
from .errors import SweepError

KEPT = ("key", "codec", "params", "status", "reason", "bytes", "kbps", "frames", "notes", "metrics",
        "encode_seconds", "decode_seconds")


class Store:
    def __init__(self, folder, known=None):
        self.known = read_known(known)
        self.points = pathlib.Path(folder) / "points"
        self.streams = pathlib.Path(folder) / "streams"
        for place in (self.points, self.streams):
            place.mkdir(parents=True, exist_ok=True)

    def stream_path(self, task):
        ending = "sem" if task["codec"] == "semcodec" else ANCHORS[task["codec"]]["ending"]
        return self.streams / f"{task['key']}.{ending}"

    def find(self, task):
        """The stored result of this very point, or None when it has to be run."""
        try:
            result = json.loads((self.points / f"{task['key']}.json").read_text())
            own = True
        except (OSError, ValueError):
            if task["key"] not in self.known:
                return None
            result, own = dict(self.known[task["key"]]), False
        too_high = result.get("kbps", 0) > task["max_kbps"]
        if result["status"] == "skipped":
            # Skipped under a lower --max-kbps than today's: it has to be measured now.
            stays = too_high or result["reason"].startswith("cannot")
            return self.named(task, result) if stays else None
        if result["status"] != "done" or (own and not self.stream_path(task).is_file()):
            return None
        if too_high:
            result.update(status="skipped", reason=f"above {task['max_kbps']:g} kbit/s")
        return self.named(task, result)

    @staticmethod
    def named(task, result):
        """The same pictures may have another file name today."""
        return {**result, "clip": task["clip"]["name"], "label": task["label"],
                "family": task["family"]}

    def keep(self, task, result, stream):
        """Failed points are not kept: the next run tries them again."""
        if result["status"] == "failed":
            return
        if stream:
            write_whole(self.stream_path(task), stream)
        write_whole(self.points / f"{task['key']}.json",
                    (json.dumps(result, indent=1, sort_keys=True) + "\n").encode())


def read_known(path):
    """Points by their key; none without a file."""
    if path is None or not pathlib.Path(path).is_file():
        return {}
    try:
        points = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines() if line]
        return {point["key"]: point for point in points}
    except (ValueError, KeyError, TypeError) as error:
        raise SweepError(f"{path} holds something else than one point a line ({error}); name "
                         "another file by --known.") from None


def write_known(path, results):
    """The anchors of these results, beside those that the file holds already."""
    points = read_known(path)
    for result in results:
        if result["codec"] in ANCHORS and result["status"] != "failed":
            points[result["key"]] = {"clip": result["clip"], "label": result["label"],
                                     **{name: result[name] for name in KEPT if name in result}}
    ordered = sorted(points.values(), key=lambda p: (p["clip"], p["codec"], p["label"], p["key"]))
    write_whole(path, "".join(json.dumps(point, sort_keys=True) + "\n" for point in ordered))


def write_whole(path, content):
    """Under its final name only when complete."""
    path = pathlib.Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
