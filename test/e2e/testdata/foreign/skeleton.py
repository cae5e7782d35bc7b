"""A container that runs an executable, as OpenWhisk's dockerskeleton: a zip with exec, or a script."""
import base64
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = "/tmp/action"
EXEC = FOLDER + "/exec"


class Skeleton(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        status, result = self.init(body["value"]) if self.path == "/init" else self.run(body)
        text = json.dumps(result).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def init(self, value):
        os.makedirs(FOLDER, exist_ok=True)
        code = value.get("code") or ""
        if value.get("binary"):
            zipfile.ZipFile(io.BytesIO(base64.b64decode(code))).extractall(FOLDER)
        elif code:
            with open(EXEC, "w") as f:
                f.write(code)
        if not os.path.exists(EXEC):
            return 502, {"error": "The action failed to generate or locate a binary. See logs for details."}
        os.chmod(EXEC, 0o755)
        return 200, {"OK": True}

    def run(self, body):
        env = {**os.environ, **{"__OW_" + k.upper(): str(v) for k, v in body.items() if k != "value"}}
        args = json.dumps(body["value"])
        done = subprocess.run([EXEC, args], input=args.encode(), stdout=subprocess.PIPE, env=env, cwd=FOLDER)
        lines = done.stdout.decode().splitlines() or [""]
        for line in lines[:-1]:
            print(line)
        for stream in (sys.stdout, sys.stderr):
            print("XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX", file=stream, flush=True)
        try:
            return 200, json.loads(lines[-1])
        except ValueError:
            return 502, {"error": "The action did not return a dictionary or array."}

    def log_message(self, *args):
        pass


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
ThreadingHTTPServer(("", 8080), Skeleton).serve_forever()
