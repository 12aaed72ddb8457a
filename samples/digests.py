#!/usr/bin/env python3
"""Prints "pts digest" for every frame in the output of `semcodec-info --json --digests`."""
import json
import sys

with open(sys.argv[1]) as file:
    info = json.load(file)
for record in info["records"]:
    if record["kind"] == "frame":
        print(record["pts"], record["digest"])
