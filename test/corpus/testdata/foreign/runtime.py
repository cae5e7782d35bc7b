"""A runtime with OpenWhisk's contract and nothing of gowhisk in it: what the shim is put in front of."""
import base64
import http.server
import io
import json
import os
import sys
import tempfile
import traceback
import zipfile

scope = {}


def extracted(code):
    """The entry point of an archive, whose modules can be imported."""
    folder = tempfile.mkdtemp()
    zipfile.ZipFile(io.BytesIO(base64.b64decode(code))).extractall(folder)
    sys.path.insert(0, folder)
    with open(os.path.join(folder, '__main__.py'), encoding='utf-8') as source:
        return source.read()


def answer(path, body):
    if path == '/init':
        if 'main' in scope:
            return 403, {'error': 'Cannot initialize the action more than once.'}
        value = body.get('value') or {}
        if not value.get('code'):
            return 403, {'error': 'Missing main/no code to execute.'}
        os.environ.update(value.get('env') or {})
        exec(extracted(value['code']) if value.get('binary') else value['code'], scope)
        return 200, {'ok': True}
    if 'main' not in scope:
        return 500, {'error': 'no action defined yet'}
    for key, text in body.items():
        if key != 'value':
            os.environ['__OW_' + key.upper()] = str(text)
    result = scope['main'](body.get('value') or {})
    if not isinstance(result, (dict, list)):
        return 502, {'error': 'The action did not return a dictionary or array.'}
    return 200, result


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
            status, result = answer(self.path, body)
        except Exception as e:
            traceback.print_exc()
            status, result = 200, {'error': str(e)}
        text = json.dumps(result, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        for stream in (sys.stdout, sys.stderr):
            print('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX', file=stream, flush=True)

    def log_message(self, *args):
        pass


http.server.HTTPServer(('127.0.0.1', int(os.environ.get('PORT', '8080'))), Handler).serve_forever()
