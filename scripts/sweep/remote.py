"""What is sent to Dask's workers, by value: it finds the project there and runs a point."""


def run_point(scripts, task):
    import os
    import pathlib
    import sys
    import tempfile

    if scripts not in sys.path:
        sys.path.insert(0, scripts)
    from sweep import point

    cache = pathlib.Path(tempfile.gettempdir()) / f"semcodec-sweep-references-{os.getuid()}"
    return point.run(task, cache)
