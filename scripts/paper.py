#!/usr/bin/env python3
"""Makes the seed paper's tables and figures from a folder of clips; see docs/evaluation.md and --help."""
import sys

from sweep import packages

if __name__ == "__main__":
    packages.activate("plots", "dask")
    from paper import cli
    sys.exit(cli.main())
