"""The videos of the report: for a few rates source, semcodec, and AV1 at the nearest rate."""
import base64
import concurrent.futures
import os
import pathlib
import tempfile

from . import clips, codecs, point, process, summary
from .errors import SweepError

# Kept as small as does not show; key frames often, so that seeking is quick.
COPY = ["-c:v", "libx264", "-preset", "medium", "-crf", "20", "-threads", "1", "-g", "25",
        "-pix_fmt", "yuv420p", "-movflags", "+faststart"]


def choose(results, clip, rates):
    """[(semcodec's result, AV1's nearest or None)], one a rate, none twice."""
    done = [r for r in results if r["clip"] == clip and r["status"] == "done"]
    ours = [r for r in done if r["codec"] == "semcodec"]
    # Only points on an envelope: the comparison is with the best that AV1 does at that rate.
    av1 = [r for r in done if r["codec"] in codecs.AV1 and r.get("best")]
    pairs = []
    for rate in rates:
        own = summary.nearest(ours, rate)
        if own and own["key"] not in [pair[0]["key"] for pair in pairs]:
            pairs.append((own, summary.nearest(av1, own["kbps"])))
    return sorted(pairs, key=lambda pair: pair[0]["kbps"])


def copy_for_browsers(source, target, clip, seconds, ffmpeg):
    """H.264 at the clip's full rate: frames that were held are repeated."""
    frames = max(2, min(clip["frames"], round(seconds * clip["frames"] / clip["seconds"])))
    process.run([*ffmpeg.command(), "-i", source, "-an",
                 "-vf", f"fps={clip['rate']}:round=down,tpad=stop_mode=clone:stop=2",
                 "-frames:v", frames, *COPY, target])
    return base64.b64encode(pathlib.Path(target).read_bytes()).decode()


def make_videos(described, tasks, results, store, tools, seconds, rates, references, jobs):
    """{"videos": {id: base64}, "clips": {clip: {"source": id, "pairs": [...]}}, "notes": [...]}"""
    by_key = {task["key"]: task for task in tasks}
    videos, players, notes, wanted = {}, {}, [], []
    for clip in described:
        pairs = choose(results, clip["name"], rates)
        if not pairs:
            continue
        source = f"source-{clip['name']}"
        wanted.append((source, clip, None))
        players[clip["name"]] = {"source": source, "rate": clip["frames"] / clip["seconds"],
                                 "pairs": [{"semcodec": a["key"], "av1": b["key"] if b else None}
                                           for a, b in pairs]}
        keys = {r["key"] for pair in pairs for r in pair if r}
        wanted += [(key, clip, by_key[key]) for key in sorted(keys)]

    def make(name, clip, task):
        reference = clips.reference(clip, references, tools.ffmpeg)
        with tempfile.TemporaryDirectory(prefix="semcodec-report-") as folder:
            work = pathlib.Path(folder)
            shown = reference
            if task:
                shown = work / "decoded.mp4"
                codecs.decode(task["codec"], task["params"], clip, reference,
                              point.stream_of(task, store, reference, work), shown, tools)
            return name, copy_for_browsers(shown, work / "copy.mp4", clip, seconds, tools.ffmpeg)

    with concurrent.futures.ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        futures = [pool.submit(make, *job) for job in wanted]
        for (name, clip, _), future in zip(wanted, futures):
            try:
                videos.update([future.result()])
            except process.Interrupted:
                raise
            except SweepError as error:
                notes.append(f"A video of {clip['name']} could not be made: {error}")
    return {"videos": videos, "clips": players, "notes": notes}
