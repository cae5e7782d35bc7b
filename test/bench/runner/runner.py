"""The least that runs a function: code in the first line of stdin, a JSON
argument in every further one, each answered by one line on fd 3."""

import json
import os
import sys

scope = {}
exec(json.loads(sys.stdin.buffer.readline()), scope)
main = scope["main"]
os.write(3, b"true\n")
for line in sys.stdin.buffer:
    os.write(3, json.dumps(main(json.loads(line))).encode() + b"\n")
