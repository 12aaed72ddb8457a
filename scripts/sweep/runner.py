"""Runs the points: on this machine, or on a cluster by Dask."""
import concurrent.futures
import os
import pathlib

from . import clips, point, process, remote
from .errors import SweepError
from .progress import Progress
from .tools import Tools


def run_all(tasks, store, jobs=0, scheduler=None, folder="out/sweep"):
    """All results in the order of the tasks; those in the store are not run again."""
    results = {task["key"]: store.find(task) for task in tasks}
    waiting = [task for task in tasks if results[task["key"]] is None]
    if not waiting:
        return [results[task["key"]] for task in tasks]
    progress = Progress(len(waiting), sum(task["clip"]["frames"] for task in waiting))

    def take(task, result, stream):
        store.keep(task, result, stream)
        results[task["key"]] = result
        progress.finished(result, task["clip"]["frames"])

    try:
        if scheduler:
            on_cluster(waiting, take, scheduler)
        else:
            here(waiting, take, jobs, pathlib.Path(folder))
    finally:
        progress.close()
    return [results[task["key"]] for task in tasks]


def here(tasks, take, jobs, folder):
    """A few points at a time; each is a chain of programs, so threads are enough to wait."""
    references = folder / "references"
    for task in {task["clip"]["path"]: task for task in tasks}.values():
        # Once, before all ask for it.
        clips.reference(task["clip"], references, Tools(**task["tools"]).ffmpeg)
    jobs = jobs or os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(point.run, task, references): task for task in tasks}
        try:
            for future in concurrent.futures.as_completed(futures):
                result, stream = future.result()
                take(futures[future], result, stream)
        except BaseException:
            process.stop_all()
            pool.shutdown(wait=True, cancel_futures=True)
            process.allow_again()
            raise


def on_cluster(tasks, take, scheduler):
    """The same function on Dask's workers. They see the project and the clips at the same paths."""
    try:
        import cloudpickle
        import distributed
    except ImportError as error:
        raise SweepError("--scheduler needs Dask; run bash scripts/setup_python.sh --dask.") \
            from error
    cloudpickle.register_pickle_by_value(remote)  # workers need not have this package
    scripts = str(pathlib.Path(__file__).resolve().parents[1])
    try:
        client = distributed.Client(scheduler, timeout="20s")
    except (OSError, ValueError) as error:
        raise SweepError(f"There is no Dask scheduler at {scheduler}: {error}.") from error
    with client:
        futures = {client.submit(remote.run_point, scripts, task, key=f"sweep-{task['key']}",
                                 pure=False): task for task in tasks}
        try:
            for future in distributed.as_completed(futures):
                task = futures[future]
                error = future.exception()
                if error is not None:  # the worker died, or lacks the project
                    result = {"key": task["key"], "clip": task["clip"]["name"],
                              "codec": task["codec"], "label": task["label"],
                              "family": task["family"],
                              "params": task["params"], "status": "failed",
                              "reason": f"Dask: {type(error).__name__}: {error}"}
                    take(task, result, b"")
                else:
                    take(task, *future.result())
                future.release()
        except BaseException:
            client.cancel(list(futures))
            raise
