"""VMAF by ffmpeg's libvmaf: the decoded video against the reference, at the size compared."""
import json

from . import process
from .errors import SweepError

MODEL = "vmaf_v0.6.1"


def graph(clip):
    """Frames that were not sent are shown again, as in a player; both sides then pair by number."""
    frames, rate = clip["frames"], clip["rate"]
    shown = (f"fps=fps={rate}:round=near:start_time=0,tpad=stop_mode=clone:stop={frames},"
             f"trim=end_frame={frames}")
    alike = (f"scale={clip['width']}:{clip['height']}:flags=bicubic,format=yuv420p,settb=AVTB,"
             "setpts=N")
    return (f"[0:v]{shown},{alike}[distorted];[1:v]{alike}[reference];"
            f"[distorted][reference]libvmaf=model=version={MODEL}:n_threads=1:log_fmt=json:"
            "log_path=vmaf.json")


def measure(source, output, clip, work, ffmpeg):
    """The mean VMAF of all frames. work: a folder for the log."""
    process.run([*ffmpeg.command(), "-threads", "1", "-i", output, "-threads", "1", "-i", source,
                 "-lavfi", graph(clip), "-f", "null", "-"], cwd=work)
    log = json.loads((work / "vmaf.json").read_text())
    if len(log["frames"]) != clip["frames"]:
        raise SweepError(f"libvmaf compared {len(log['frames'])} of {clip['frames']} frames of the "
                         "reference.")
    return log["pooled_metrics"]["vmaf"]["mean"]
