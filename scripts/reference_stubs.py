#!/usr/bin/env python3
"""Makes empty stand-ins for the CUDA libraries that PyTorch's Python side names but never calls on
a machine without a GPU.

    python3 scripts/reference_stubs.py TORCH_LIB_FOLDER TARGET_FOLDER

PyTorch's wheel from PyPI is linked against cuBLAS, cuDNN, NCCL and others: 2 GB that the loader
wants to see before `import torch` works. Each library that is neither beside torch nor where the
loader finds it gets a stand-in that defines the symbols asked of it, each a function that ends the
program. Used by scripts/reference_tools.sh alone. Needs readelf and cc (packages of setup.sh).
"""
import collections
import ctypes
import os
import re
import subprocess
import sys

FOREIGN = re.compile(r"lib(cu|nccl|nv)")  # what may be replaced at all
PLAIN = re.compile(r"(nccl|cusparseLt|cuFile|nvshmem)\w+$")  # symbols without a version


def loader_finds(name):
    try:
        ctypes.CDLL(name)
        return True
    except OSError:
        return False


class Needs:
    """What the libraries reached from `first` ask of libraries that are not there."""

    def __init__(self, folders, first):
        self.folders = folders
        self.missing = set()
        # library -> version -> symbols; a library may be asked for versions without symbols
        self.versions = collections.defaultdict(lambda: collections.defaultdict(set))
        self.plain, self.defined = set(), set()
        seen, todo = set(), [first]
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            path = self.find(name)
            if path:
                todo += self.read(path)
            elif FOREIGN.match(name) and not loader_finds(name):
                self.missing.add(name)

    def find(self, name):
        for folder in self.folders:
            if os.path.exists(os.path.join(folder, name)):
                return os.path.join(folder, name)
        return None

    def read(self, path):
        """Notes the symbols of a library and returns the libraries it needs."""
        text = subprocess.run(["readelf", "-dVW", "--dyn-syms", path], check=True,
                              capture_output=True, text=True).stdout
        origin, library = {}, None
        for line in text.splitlines():
            if match := re.search(r"Version: \d+\s+File: (\S+)", line):
                library = match[1]
            elif library and (match := re.search(r"Name: (\S+)\s+Flags", line)):
                origin[match[1]] = library
                self.versions[library].setdefault(match[1], set())
        for line in text.splitlines():
            words = line.split()
            if len(words) < 8 or not re.match(r"\d+:$", words[0]):
                continue
            name, _, version = words[7].partition("@")
            if words[6] != "UND":
                self.defined.add(name)
            elif version in origin:
                self.versions[origin[version]][version].add(name)
            elif not version and PLAIN.match(name):
                self.plain.add(name)
        return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def make(target, library, versions, more):
    source, script = os.path.join(target, "stub.c"), os.path.join(target, "stub.map")
    names = set(more).union(*versions.values())
    with open(source, "w") as stream:
        stream.write("void abort(void);\n")
        stream.writelines(f"void {name}(void) {{ abort(); }}\n" for name in sorted(names))
    command = ["cc", "-shared", "-fPIC", "-w", "-fno-builtin", f"-Wl,-soname,{library}", "-o",
               os.path.join(target, library), source]
    if versions:
        with open(script, "w") as stream:
            for version, symbols in versions.items():
                stream.write(f"{version} {{ global: {' '.join(f'{s};' for s in symbols) or '*;'} "
                             "};\n")
        command.append(f"-Wl,--version-script={script}")
    subprocess.run(command, check=True)
    for path in (source, script):
        if os.path.exists(path):
            os.remove(path)


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    lib, target = sys.argv[1:]
    beside = os.path.join(lib, "..", "..", "nvidia")
    folders = [lib] + [os.path.join(beside, name, "lib")
                       for name in (os.listdir(beside) if os.path.isdir(beside) else [])]
    needs = Needs(folders, "libtorch_python.so")
    rest = needs.plain - needs.defined  # symbols without a version may come from any library
    for library in sorted(needs.missing):
        make(target, library, needs.versions.get(library, {}), rest)
        rest = set()
    print(f"{len(needs.missing)} stand-ins in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
