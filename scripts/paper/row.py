"""One row: train, generate, measure. Runs here or on a Dask worker, alike; everything it makes lies in
the row's own folder, and what is there already is not made again."""
import json
import pathlib
import shutil
import time

from sweep import process, vmaf
from sweep.errors import SweepError
from sweep.store import write_whole
from sweep.tools import Tools

METRICS = ("psnr,ssim,ms-ssim,gmsd,lpips,dists,fid,kid,fd-squeezenet,motion,flicker,warping")


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value)


def weights_name(row):
    return "generator.safetensors" if row["settings"]["kind"].startswith("ours") \
        else "baseline.safetensors"


def train(row, setup, folder, tools):
    """Trains until the result is there; goes on from a checkpoint. Returns the seconds of this run."""
    if (folder / "trained").is_file():
        return
    settings = dict(row["settings"])
    if settings.get("planes") == "labels":
        settings["classes"] = setup["labels"]["classes"]
    if "teacher" in row:
        teacher = pathlib.Path(setup["rows"]) / row["teacher"] / "baseline.safetensors"
        if not teacher.is_file():
            raise SweepError(f"its teacher, the row {row['teacher']}, has not been trained.")
        settings["teacher"] = str(teacher)
    if setup["flow"]:
        settings["flow"] = setup["flow"]
    command = [tools.program("train"), "generator", "--resume", "-q",
               "--set", f"data={setup['store']}", "--set", f"output={folder}",
               "--set", f"device={tools.device}", "--set", f"threads={setup['threads']}",
               "--set", f"seed={setup['seed']}"]
    for key, value in settings.items():
        command += ["--set", f"generator.{key}={toml(value)}"]
    start = time.monotonic()
    process.run(command, cwd=tools.root)
    if settings["kind"].startswith("ours"):
        shutil.copy(tools.model_folder() / "edges.safetensors", folder / "edges.safetensors")
    write_whole(folder / "trained", f"{time.monotonic() - start:.1f}\n")


def stream_of(row, setup):
    name = row["stream"] + ("-images" if row.get("images") else "")
    return pathlib.Path(setup["streams"]) / f"{name}.sem"


def generate(row, stream, output, folder, tools):
    """The test video by this row's network; returns seconds."""
    start = time.monotonic()
    if row["settings"]["kind"].startswith("ours"):
        process.run([tools.program("decode"), stream, output, "-y", "-q", "--model", folder,
                     "--any-model", "--device", tools.device, "--size", "work"])
    else:
        process.run([tools.program("baseline"), "run", folder / weights_name(row), stream, output,
                     "-y", "-q", "--device", tools.device])
    return time.monotonic() - start


def cost(row, folder, tools, size):
    kind = ["--package", folder] if row["settings"]["kind"].startswith("ours") \
        else [folder / weights_name(row)]
    out = process.run([tools.program("baseline"), "cost", *kind, "--json", "--size",
                       f"{size[0]}x{size[1]}"])
    return json.loads(out)


def measure(reference, output, stream, work, tools, clip):
    """Figures by name, and the notes on what could not be measured."""
    report = json.loads(process.run(
        [tools.program("eval"), reference, output, "--json", "-", "--bits", stream, "--hold", "-q",
         "--threads", "1", "--device", tools.device, "--metrics", METRICS], cwd=tools.root))
    if report["frames"]["compared"] != clip["frames"]:
        raise SweepError(f"semcodec-eval compared {report['frames']['compared']} of "
                         f"{clip['frames']} frames.")
    figures = {name: value for name, value in report.items()
               if isinstance(value, (int, float)) and name not in ("width", "height")}
    if tools.ffmpeg.has_vmaf:
        figures["vmaf"] = vmaf.measure(reference, output, clip, work, tools.ffmpeg)
    return figures, report.get("notes", [])


def lacks(row, setup):
    """The sentence on what a row lacks, or None."""
    if row["settings"].get("planes") == "labels":
        return setup["labels"].get("reason")
    return None


def run(row, setup):
    """The result of a row as a dict; whatever goes wrong is in it, but an interrupt is raised."""
    result = {"id": row["id"], "label": row["label"], "status": "failed", "figures": {}}
    lacking = lacks(row, setup)
    if lacking:
        return {**result, "status": "lacking", "reason": lacking}
    folder = pathlib.Path(setup["rows"]) / row["id"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tools = Tools(**setup["tools"])
        train(row, setup, folder, tools)
        stream, output = stream_of(row, setup), folder / "output.mp4"
        seconds = generate(row, stream, output, folder, tools)
        figures, result["notes"] = measure(setup["reference"], output, stream, folder, tools,
                                           setup["clip"])
        figures["frames_per_second"] = setup["clip"]["frames"] / seconds
        figures.update(cost(row, folder, tools, setup["size"]))
        result["training_seconds"] = float((folder / "trained").read_text())
        result.update(status="done", figures=figures)
    except process.Interrupted:
        raise
    except SweepError as error:
        result.update(status="failed", reason=str(error))
    except (OSError, ValueError, KeyError) as error:
        result.update(status="failed", reason=f"{type(error).__name__}: {error}")
    return result
