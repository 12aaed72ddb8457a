"""Runs the rows: here, a few at a time, or on a cluster by Dask. A row that learns from another one
waits for it. Finished rows lie in the run's folder and are not run again."""
import concurrent.futures
import json
import pathlib

from sweep import process
from sweep.errors import SweepError
from sweep.store import write_whole

from . import remote, row


def stored(setup, one):
    """The kept result, or None. Failed and lacking rows are tried again."""
    try:
        return json.loads((pathlib.Path(setup["rows"]) / one["id"] / "result.json").read_text())
    except (OSError, ValueError):
        return None


def keep(setup, result):
    if result["status"] == "done":
        write_whole(pathlib.Path(setup["rows"]) / result["id"] / "result.json",
                    json.dumps(result, indent=1) + "\n")


def run_all(rows, setup, scheduler, say):
    """{id: result} of all rows."""
    results = {one["id"]: stored(setup, one) for one in rows}
    results = {name: result for name, result in results.items() if result is not None}
    waiting = [one for one in rows if one["id"] not in results]
    while waiting:
        # Rows whose teacher is there, or has failed, which they then say.
        ready = [one for one in waiting if one.get("teacher") is None or one["teacher"] in results]
        for result in (on_cluster if scheduler else here)(ready, setup, scheduler):
            keep(setup, result)
            results[result["id"]] = result
            say(f"{len(results)}/{len(rows)} {result['label']}: " + (
                f"PSNR {result['figures']['psnr']:.2f} dB" if result["status"] == "done"
                else f"{result['status']}, {result['reason']}"))
        waiting = [one for one in waiting if one["id"] not in results]
    return results


def here(rows, setup, _scheduler):
    """Each row is a chain of programs, so threads are enough to wait."""
    with concurrent.futures.ThreadPoolExecutor(setup["jobs"]) as pool:
        futures = [pool.submit(row.run, one, setup) for one in rows]
        try:
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        except BaseException:
            process.stop_all()
            pool.shutdown(wait=True, cancel_futures=True)
            process.allow_again()
            raise


def on_cluster(rows, setup, scheduler):
    """The same function on Dask's workers, which see the project and the folders at the same paths."""
    try:
        import cloudpickle
        import distributed
    except ImportError as error:
        raise SweepError("--scheduler needs Dask; run bash scripts/setup_python.sh --dask.") \
            from error
    cloudpickle.register_pickle_by_value(remote)
    scripts = str(pathlib.Path(__file__).resolve().parents[1])
    try:
        client = distributed.Client(scheduler, timeout="20s")
    except (OSError, ValueError) as error:
        raise SweepError(f"There is no Dask scheduler at {scheduler}: {error}.") from error
    with client:
        futures = {client.submit(remote.run_row, scripts, one, setup, key=f"paper-{one['id']}",
                                 pure=False): one for one in rows}
        try:
            for future in distributed.as_completed(futures):
                one, error = futures[future], future.exception()
                yield {"id": one["id"], "label": one["label"], "status": "failed", "figures": {},
                       "reason": f"Dask: {type(error).__name__}: {error}"} \
                    if error is not None else future.result()
        except BaseException:
            client.cancel(list(futures))
            raise
