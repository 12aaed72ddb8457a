#!/usr/bin/env python3
"""Sweeps clips x codecs x operating points; see docs/evaluation.md and --help."""
import sys

from sweep import cli, packages

if __name__ == "__main__":
    packages.activate("plots", "dask")
    sys.exit(cli.main())
