"""Finds the PyPI packages that scripts/setup_python.sh installs beside LibTorch."""
import os
import pathlib
import sys


def folder(kind):
    home = os.environ.get("SEMCODEC_DEPS")
    if not home:
        cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        home = pathlib.Path(cache) / "semcodec"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return pathlib.Path(home) / f"python-{version}-{kind}"


def activate(*kinds):
    """Behind what the system has: Debian's packages do as well."""
    for kind in kinds:
        path = str(folder(kind))
        if os.path.isdir(path) and path not in sys.path:
            sys.path.append(path)
