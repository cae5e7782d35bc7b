"""unpack.py FROM TO lays out the files that a Go module embeds: files.json names them, with modes and
links; some are packed by gzip."""

import gzip
import json
import os
import sys

source, target = sys.argv[1:]
with open(os.path.join(source, "files.json"), encoding="utf-8") as index:
    files = json.load(index)["files"]
for file in files:
    path = os.path.join(target, file["name"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if file.get("symlink"):
        os.symlink(file["symlink"], path)
        continue
    if file["perm"] & 1 << 31:  # a folder
        os.makedirs(path, exist_ok=True)
        continue
    packed = file.get("compressed", False)
    with (gzip.open if packed else open)(os.path.join(source, file["name"] + ".gz" * packed), "rb") as content:
        with open(path, "wb") as out:
            out.write(content.read())
    os.chmod(path, file["perm"] & 0o777)
