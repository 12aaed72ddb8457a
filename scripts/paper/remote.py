"""What is sent to Dask's workers, by value: it finds the project there and runs a row."""


def run_row(scripts, one, setup):
    import sys

    if scripts not in sys.path:
        sys.path.insert(0, scripts)
    from paper import row

    return row.run(one, setup)
