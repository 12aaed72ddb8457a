#!/usr/bin/env python3
"""The work behind scripts/fetch.sh: finds or downloads files by their sha256. Python alone."""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import ssl
import struct
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
TIMEOUT = 20  # seconds without a byte
unreachable = {}  # host -> why; asked once each, so that being offline costs one wait a host


def say(text):
    print(f"fetch: {text}", file=sys.stderr, flush=True)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def local_folders(kind):
    named = os.environ.get("SEMCODEC_WEIGHTS" if kind == "weights" else "SEMCODEC_CLIPS")
    shared = ROOT.parent / "shared"
    folders = [pathlib.Path(named)] if named else []
    folders += [shared / "weights"] if kind == "weights" else [shared / "data" / "dev"]
    return [f for f in folders + [CACHE / "downloads", CACHE / "clips"] if f.is_dir()]


def find_local(entry, kind):
    """A local file with the entry's size and sha256, whatever its name."""
    for folder in local_folders(kind):
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.stat().st_size == entry["size"] \
                    and sha256_of(path) == entry["sha256"]:
                return path
    return None


def download(url, target, limit):
    """Fetches url to target (complete or not at all)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part{os.getpid()}")
    request = urllib.request.Request(url, headers={"User-Agent": "semcodec-fetch"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT,
                                    context=ssl.create_default_context()) as answer:
            with open(part, "wb") as stream:
                got = 0
                while chunk := answer.read(1 << 16):
                    got += len(chunk)
                    if got > limit:
                        raise ValueError(f"it is larger than the {limit} bytes expected")
                    stream.write(chunk)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def reason(error):
    return str(getattr(error, "reason", None) or error).rstrip(".")


def sources(entry):
    """Where the file may come from: the file itself, then others with the same content."""
    for url in entry["urls"]:
        yield {"url": url, "sha256": entry["sha256"], "limit": entry["size"]}
    for other in entry.get("same_content", []):
        yield {"url": other["url"], "sha256": None, "limit": other["limit"]}


def obtain(entry, kind):
    """A generator of candidate files, best first; complaints go to stderr."""
    path = find_local(entry, kind)
    if path:
        yield path
    for source in sources(entry):
        name = entry["file"] if source["sha256"] else source["url"].rsplit("/", 1)[1]
        target = CACHE / ("clips" if kind == "clips" else "downloads") / name
        host = urllib.parse.urlsplit(source["url"]).netloc
        try:
            if host in unreachable:
                raise OSError(unreachable[host])
            download(source["url"], target, source["limit"])
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and not isinstance(error, urllib.error.HTTPError):
                unreachable[host] = reason(error)
            say(f"{entry['name']}: {source['url']} could not be fetched: {reason(error)}.")
            continue
        if source["sha256"] and sha256_of(target) != source["sha256"]:
            say(f"{entry['name']}: {source['url']} is not the file expected (its sha256 differs).")
            target.unlink()
            continue
        yield target


def content_sha256(path):
    """sha256 of a safetensors file's tensor data."""
    with open(path, "rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        stream.seek(8 + length)
        return hashlib.sha256(stream.read()).hexdigest()


def fetch_weights(entry):
    """The path of the converted weights, or None."""
    target = CACHE / "weights" / f"{entry['name']}.safetensors"
    # Without a content_sha256 the file's own sha256, checked before it was converted, must do.
    content = entry.get("content_sha256")
    if target.is_file() and content in (None, content_sha256(target)):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    for path in obtain(entry, "weights"):
        convert = [sys.executable, str(ROOT / "scripts" / "import_weights.py"), str(path),
                   str(part), "--as", entry["kind"]]
        try:
            if subprocess.run(convert, stdout=subprocess.DEVNULL).returncode != 0:
                continue  # import_weights has said why
            if content in (None, content_sha256(part)):
                os.replace(part, target)
                return target
            say(f"{entry['name']}: {path} holds other numbers than expected.")
        finally:
            part.unlink(missing_ok=True)
    return None


def fetch_clip(entry):
    path = next(obtain(entry, "clips"), None)
    if path is None:
        return None
    target = CACHE / "clips" / entry["file"]
    if path != target:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(path, part)
        os.replace(part, target)
    return target


def have(entry, kind):
    if kind == "weights":
        return (CACHE / "weights" / f"{entry['name']}.safetensors").is_file()
    return (CACHE / "clips" / entry["file"]).is_file()


def show(entries, kind):
    for e in entries:
        state = "here" if have(e, kind) else "local" if find_local(e, kind) else \
            "when named" if e.get("on_request") else "to download"
        print(f"{e['name']:<18} {e['size'] / 1e6:6.2f} MB  {state:<12} {e['licence']}")
        for url in e["urls"]:
            print(f"{'':<18} {url}")


def main():
    parser = argparse.ArgumentParser(prog="fetch.sh", description="Gets clips and weights.")
    parser.add_argument("what", choices=("weights", "clips", "all"))
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--list", action="store_true", help="show what there is, get nothing")
    parser.add_argument("--path", action="store_true", help="print the path of each file")
    options = parser.parse_args()
    manifests = {"weights": json.loads((ROOT / "models" / "weights.json").read_text())["weights"],
                 "clips": json.loads((ROOT / "samples" / "manifest.json").read_text())["clips"]}
    kinds = ("weights", "clips") if options.what == "all" else (options.what,)
    known = {e["name"] for kind in kinds for e in manifests[kind]}
    for name in options.names:
        if name not in known:
            say(f"there is no '{name}'; known are {', '.join(sorted(known))}.")
            return 2
    missing, got = [], 0
    for kind in kinds:
        entries = [e for e in manifests[kind] if not options.names or e["name"] in options.names]
        # Some come only when they are named, or when they need no download.
        if not options.names and not options.list:
            entries = [e for e in entries if not e.get("on_request") or find_local(e, kind)]
        if options.list:
            show(entries, kind)
            continue
        for entry in entries:
            try:
                path = fetch_weights(entry) if kind == "weights" else fetch_clip(entry)
            except OSError as error:
                say(f"{entry['name']}: {error}.")
                path = None
            if path is None:
                missing.append(entry["name"])
                continue
            got += 1
            if options.path:
                print(path)
    if missing:
        say(f"{got} of {got + len(missing)} are in {CACHE}; missing: {', '.join(missing)}. A file "
            "got by hand counts too: put it into the folder that SEMCODEC_WEIGHTS (or "
            "SEMCODEC_CLIPS) names.")
        return 1
    if not options.list and not options.path:
        say(f"all {got} are in {CACHE}.")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `fetch.sh all --list | head` is no error
    sys.exit(main())
