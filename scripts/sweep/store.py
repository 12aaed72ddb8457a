"""Finished points on disk, one file each, so that a sweep that was stopped goes on."""
import json
import os
import pathlib

from .codecs import ANCHORS


class Store:
    def __init__(self, folder):
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
        except (OSError, ValueError):
            return None
        too_high = result.get("kbps", 0) > task["max_kbps"]
        if result["status"] == "skipped":
            # Skipped under a lower --max-kbps than today's: it has to be measured now.
            stays = too_high or result["reason"].startswith("cannot")
            return self.named(task, result) if stays else None
        if result["status"] != "done" or not self.stream_path(task).is_file():
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


def write_whole(path, content):
    """Under its final name only when complete."""
    path = pathlib.Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
