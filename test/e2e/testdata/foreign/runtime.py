"""An action runtime for Python as others make them: OpenWhisk's /init and /run on port 8080."""
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

action = {}


class Runtime(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path == "/init":
            return self.init(body["value"])
        if self.path == "/run":
            return self.run(body)
        return self.answer(404, {"error": "no such path"})

    def init(self, value):
        if action:
            return self.answer(403, {"error": "Cannot initialize the action more than once."})
        code = value.get("code") or "def main(args): return {'in': 'the image', **args}"
        os.environ.update(value.get("env") or {})
        names = {}
        exec(code, names)
        action["main"] = names[value.get("main") or "main"]
        return self.answer(200, {"OK": True})

    def run(self, body):
        for key, value in body.items():
            if key != "value":
                os.environ["__OW_" + key.upper()] = str(value)
        try:
            status, result = 200, action["main"](body["value"])
        except Exception as e:
            status, result = 502, {"error": str(e)}
        for stream in (sys.stdout, sys.stderr):
            print("XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX", file=stream, flush=True)
        return self.answer(status, result)

    def answer(self, status, result):
        text = json.dumps(result).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
ThreadingHTTPServer(("", 8080), Runtime).serve_forever()
