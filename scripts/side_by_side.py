#!/usr/bin/env python3
"""Makes a picture of one moment: source, semcodec, VVC and AV1 at equal rate; see --help."""
import sys

from sweep import packages, side_by_side

if __name__ == "__main__":
    packages.activate("plots")
    sys.exit(side_by_side.main())
