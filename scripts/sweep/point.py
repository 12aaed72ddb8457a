"""One operating point: encode, decode, measure. Runs here or on a Dask worker, alike."""
import hashlib
import json
import pathlib
import tempfile
import time

from . import clips, codecs, process, vmaf
from .errors import SweepError
from .tools import Tools

MISSED = 1.5  # a bitrate point this far over its target only repeats the coarsest CRF


def make_task(clip, codec, params, tools, measuring):
    """A point as a dict for JSON. measuring: metrics (semcodec-eval's), vmaf, max_kbps."""
    params = dict(params)
    family = params.pop("family", codecs.family(codec, params))
    task = {"clip": clip, "codec": codec, "params": params, "tools": tools.settings(),
            "label": codecs.label(codec, params, clip), "family": family, **measuring}
    content = {"clip": clips.identity(clip), "codec": codec, "params": params,
               "revision": codecs.REVISION,
               "metrics": measuring["metrics"], "vmaf": measuring["vmaf"],
               "programs": tools.identity(codec)}
    task["key"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
    return task


def like(task, params, tools):
    """The same point with other parameters."""
    return make_task(task["clip"], task["codec"], params, tools,
                     {key: task[key] for key in ("metrics", "vmaf", "max_kbps")})


def run(task, reference_folder, scratch=None):
    """(result, stream bytes). Whatever goes wrong is in the result, but an interrupt is raised."""
    clip = task["clip"]
    result = {"key": task["key"], "clip": clip["name"], "codec": task["codec"],
              "label": task["label"], "family": task["family"], "params": task["params"],
              "status": "failed"}
    stream_bytes = b""
    try:
        tools = Tools(**task["tools"])
        source = clips.reference(clip, reference_folder, tools.ffmpeg)
        with tempfile.TemporaryDirectory(prefix="semcodec-sweep-", dir=scratch) as folder:
            work = pathlib.Path(folder)
            start = time.monotonic()
            stream = codecs.encode(task["codec"], task["params"], clip, source, work, tools)
            result["encode_seconds"] = round(time.monotonic() - start, 3)
            result["bytes"] = stream.stat().st_size
            result["kbps"] = result["bytes"] * 8 / clip["seconds"] / 1000
            if task["codec"] == "semcodec":
                result["model"] = stream_model(stream, tools)
            reason = not_worth_measuring(task, result["kbps"])
            if reason:
                result.update(status="skipped", reason=reason)
            else:
                measure(task, source, stream, work, tools, result)
                stream_bytes = stream.read_bytes()
    except process.Interrupted:
        raise
    except SweepError as error:
        result["reason"] = str(error)
    except (OSError, ValueError, KeyError) as error:
        result["reason"] = f"{type(error).__name__}: {error}"
    return result, stream_bytes


def not_worth_measuring(task, kbps):
    params = task["params"]
    if kbps > task["max_kbps"]:
        return f"above {task['max_kbps']:g} kbit/s"
    if params["mode"] == "bitrate" and task["codec"] != "semcodec" \
            and kbps > MISSED * params["value"]:
        return f"cannot go down to {params['value']:g} kbit/s"
    return None


def stream_of(task, store, source, work):
    """Where the point's stream lies; one that is not in the store is made again, in `work`."""
    path = store.stream_path(task)
    if path.is_file():
        return path.resolve()
    return codecs.encode(task["codec"], task["params"], task["clip"], source, work,
                         Tools(**task["tools"]))


def stream_model(stream, tools):
    info = json.loads(process.run([tools.program("info"), stream, "--json"]))
    return info["model"]["hash"]


def measure(task, source, stream, work, tools, result):
    clip = task["clip"]
    output = work / "output.mp4"
    start = time.monotonic()
    codecs.decode(task["codec"], task["params"], clip, source, stream, output, tools)
    result["decode_seconds"] = round(time.monotonic() - start, 3)
    report = json.loads(process.run(
        [tools.program("eval"), source, output, "--json", "-", "--bits", stream, "--hold", "-q",
         "--threads", "1", "--device", tools.device, "--metrics", task["metrics"]],
        cwd=tools.root))
    frames = report["frames"]
    if frames["compared"] != clip["frames"]:
        raise SweepError(f"semcodec-eval compared {frames['compared']} of {clip['frames']} frames "
                         "of the reference.")
    result["frames"] = frames
    result["notes"] = report.get("notes", [])
    known = {"width", "height", "seconds", "frame_rate", "stream_bytes", "kbps"}
    result["metrics"] = {name: value for name, value in report.items()
                         if isinstance(value, (int, float)) and name not in known}
    if task["vmaf"]:
        result["metrics"]["vmaf"] = vmaf.measure(source, output, clip, work, tools.ffmpeg)
    result["status"] = "done"
