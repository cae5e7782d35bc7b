"""The Python launcher: one line of JSON in on stdin, one line out on fd 3 (see internal/protocol).

Works on Python 3.9 and later. OpenWhisk 3.6, 3.8.1.
"""

import json
import os
import sys

ANSWERS = 3
NO_BINARY = "The action failed to generate or locate a binary. See logs for details."
CANNOT_START = "Cannot start action. Check logs for details."
NO_RESULT = "The action did not return a dictionary or array."


class Refused(Exception):
    """The action's code can not be loaded; the text goes to the logs."""


def write_answer(data):
    """Write one line; user output comes first, so that it belongs to this run."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # the action closed or replaced it
    try:
        written = os.write(ANSWERS, data)
        while written < len(data):
            data = data[written:]
            written = os.write(ANSWERS, data)
    except OSError:
        os._exit(1)  # nobody can hear an answer any more


def failure(status, message):
    return b"!%d %s" % (status, json.dumps({"error": message}).encode())


def take_stdin():
    """Requests come on another descriptor than the standard input that user code sees."""
    requests = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.set_inheritable(ANSWERS, False)
    return os.fdopen(requests, "rb", buffering=65536)


def prepare_streams():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def activate_virtualenv(directory):
    folder = os.path.join(directory, "virtualenv")
    if not os.path.isdir(folder):
        return
    script = os.path.join(folder, "bin", "activate_this.py")
    if not os.path.exists(script):
        raise Refused("Invalid virtualenv. Zip file does not include 'activate_this.py'.")
    with open(script, "rb") as source:
        exec(compile(source.read(), script, "exec"), {"__file__": script, "__name__": "activate_this"})


def load_directory(directory):
    os.chdir(directory)
    script = os.path.join(directory, "__main__.py")
    if not os.path.exists(script):
        raise Refused("Zip file does not include '__main__.py'.")
    activate_virtualenv(directory)
    sys.path.insert(0, directory)
    with open(script, "rb") as source:
        return run_module(source.read(), script)


def load_text(code):
    import linecache

    name = "<action>"
    lines = code.splitlines(True)
    linecache.cache[name] = (len(code), None, lines, name)
    return run_module(code, name)


def run_module(source, filename):
    module = type(sys)("main__")
    module.__file__ = filename
    sys.modules["main__"] = module
    exec(compile(source, filename, "exec"), module.__dict__)
    return module


def initialize(init):
    """Load the action; returns (main, None), or (None, answer) when it can not be."""
    if not init.get("code") and not init.get("dir"):
        return None, failure(403, "Missing main/no code to execute.")
    for key, value in (init.get("env") or {}).items():
        os.environ[key] = value if isinstance(value, str) else json.dumps(value)
    try:
        module = load_directory(init["dir"]) if init.get("dir") else load_text(init["code"])
        found = module
        for name in (init.get("main") or "main").split("."):
            found = getattr(found, name)
        if not callable(found):
            raise Refused("'%s' is not a function." % init.get("main"))
        return found, None
    except Refused as refused:
        print(refused, file=sys.stderr)
        return None, failure(502, NO_BINARY)
    except Exception:
        print_exception()
        return None, failure(502, CANNOT_START)


def print_exception():
    import traceback

    traceback.print_exc()


ENCODER = json.JSONEncoder(ensure_ascii=False)


def encode(result):
    if not isinstance(result, (dict, list)):
        return failure(502, NO_RESULT)
    text = ENCODER.encode(result)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(result).encode("ascii")


def export(body, environ, last):
    """Set what differs from the last run: to change the environment is slow. What only an earlier run
    has had is what it was before."""
    for key, value in body.items():
        known = last.get(key)
        if known is None or known[0] != value:
            name = "__OW_" + key.upper()
            last[key] = (value, environ.get(name) if known is None else known[1])
            environ[name] = value if isinstance(value, str) else json.dumps(value)
    if len(last) > len(body):
        for key in [key for key in last if key not in body]:
            before = last.pop(key)[1]
            if before is None:
                environ.pop("__OW_" + key.upper(), None)
            else:
                environ["__OW_" + key.upper()] = before


def end_if_starved():
    """Where the memory limit is one of the process, end as the kernel ends those of a cgroup."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if limit != resource.RLIM_INFINITY and used > limit * 0.7:
        os._exit(137)


def run(action, line, environ, last):
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as broken:
        return failure(400, "Error unmarshaling request: %s" % broken)
    args = body.pop("value", None)
    export(body, environ, last)
    try:
        return encode(action({} if args is None else args))
    except MemoryError as error:
        error.__traceback__ = None  # lets go of what the action holds
        end_if_starved()
        return json.dumps({"error": str(error)}).encode("ascii")
    except Exception as error:
        print_exception()
        try:
            return json.dumps({"error": str(error)}).encode("ascii")
        except Exception:  # a broken __str__
            return failure(502, NO_RESULT)


def rehearse():
    """Load what the first action needs, while nobody waits yet: after the boot was answered."""
    import linecache
    import traceback  # noqa: F401 (loaded for print_exception)

    action, _ = initialize({"code": "def main(args):\n    return args\n"})
    run(action, b'{"value":{}}', {}, {})
    del sys.modules["main__"], linecache.cache["<action>"]


def main():
    requests = take_stdin()
    prepare_streams()
    write_answer(b'{"ok":true}\n')
    rehearse()
    action = None
    while action is None:
        line = requests.readline()
        if not line:
            return
        try:
            init = json.loads(line).get("init")
        except (ValueError, RecursionError, AttributeError):
            init = None
        if init is None:
            write_answer(failure(500, "no action defined yet") + b"\n")
            continue
        action, refused = initialize(init)
        write_answer((refused or b'{"ok":true}') + b"\n")
    environ, last = os.environ, {}
    for line in iter(requests.readline, b""):
        write_answer(run(action, line, environ, last) + b"\n")


main()
