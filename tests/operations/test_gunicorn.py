"""The settings that are shipped for gunicorn: log, counts, and workers that ask to be replaced."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.operations.conftest import SECONDS

ROOT = Path(__file__).parents[2]

# A bot as far as gunicorn.conf.py knows one: its watch may ask for another process.
TINY = '''
"""An app that asks to be replaced."""

import os
import time
from types import SimpleNamespace


class App:
    watch = SimpleNamespace(on_exhausted=None, close=lambda **_: None)
    bot = SimpleNamespace(runs=SimpleNamespace(watch=watch), forget_secrets=lambda: None)
    extensions = {"wxbot": bot}

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            open("slow-began", "w").close()
            time.sleep(1.5)
        if environ["PATH_INFO"] == "/held":
            open("held-began", "w").close()
            while not os.path.exists("let-go"):
                time.sleep(0.02)
        if environ["PATH_INFO"] == "/exhausted":
            self.watch.on_exhausted()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(os.getpid()).encode()]


app = App()
'''


ASK = """
import json, os, runpy, sys

for folder, variables in json.load(sys.stdin):
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    found = runpy.run_path(sys.argv[1])["logconfig_dict"]
    print(json.dumps([found["formatters"]["line"]["format"], found["root"]["level"], "wxbot" in sys.modules]))
"""
# What stands in the file that WXBOT_CONFIG names, what else is in the environment, and what the log is then.
LOGS: list[tuple[str | None, dict[str, str], tuple[str, str]]] = [
    ("", {}, ("text", "INFO")),
    ('[logging]\nformat = "json"\nlevel = "error"', {}, ("json", "ERROR")),
    ('[logging]\nformat = "json"', {"WXBOT_LOGGING__FORMAT": "text"}, ("text", "INFO")),
    ('\ufeff[logging]\nformat = "json"', {"WXBOT_LOGGING__LEVEL": "debug"}, ("json", "DEBUG")),
    # Faults are told by `wxbot check` a moment later; until then there must be a log.
    ('[logging]\nformat = "xml"\nlevel = "loud"', {}, ("text", "INFO")),
    ("[logging]\nformat = [1]\nlevel = {a = 1}", {}, ("text", "INFO")),
    ("logging = 7", {}, ("text", "INFO")),
    ("this is no TOML", {}, ("text", "INFO")),
    (None, {}, ("text", "INFO")),
]


def test_log_is_as_the_settings_ask(tmp_path: Path) -> None:
    asked = []
    for number, (config, variables, _) in enumerate(LOGS):
        folder = tmp_path / str(number)
        folder.mkdir()
        if config is not None:
            (folder / "other.toml").write_text(config, encoding="utf-8")
        asked.append((str(folder), {"WXBOT_CONFIG": "other.toml", **variables}))

    command = [sys.executable, "-c", ASK, str(ROOT / "gunicorn.conf.py")]
    ended = subprocess.run(
        command, input=json.dumps(asked), env={}, capture_output=True, text=True, check=True
    )

    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert list(zip(LOGS, told, strict=True)) == [(case, [*case[2], False]) for case in LOGS]


def test_every_line_of_a_json_log_is_json(serve: Callable[..., Any]) -> None:
    server = serve(WXBOT_LOGGING__FORMAT="json")
    server.wait_for("(?s)Booting worker.*Booting worker")
    server.get("/healthz")
    server.end()

    lines = [json.loads(line) for line in server.log.splitlines()]
    assert {line["logger"] for line in lines} >= {"gunicorn.error"}
    assert len({line["pid"] for line in lines}) == 3


@pytest.mark.parametrize("more", ["", " --preload"])
def test_all_workers_tell_the_same_counts_which_go_with_them(
    serve: Callable[..., Any], tmp_path: Path, more: str
) -> None:
    (tmp_path / "temporary").mkdir()
    server = serve(
        WEB_CONCURRENCY="3",
        GUNICORN_CMD_ARGS=f"--keep-alive 0{more}",
        TMPDIR=str(tmp_path / "temporary"),
    )
    told = {server.get("/metrics") for _ in range(12)}
    (folder,) = (tmp_path / "temporary").glob("wxbot-metrics-*")
    counters = list(folder.glob("counter_*.db"))

    server.end()

    assert all("wxbot_deadlines_missed_total 0.0" in each for each in told)
    assert counters and not folder.exists()


def test_counts_of_the_server_before_are_not_counted_again(serve: Callable[..., Any], tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    script = "from wxbot import metrics; metrics.repeat()"
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(counts)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert list(counts.glob("counter_*.db"))

    server = serve(**environment)
    server.wait_for("Booting worker")
    told = server.get("/metrics")
    server.end()

    assert "wxbot_repeats_answered_total 0.0" in told
    assert counts.is_dir()


def test_worker_whose_handlers_hang_is_replaced_without_losing_a_request(
    serve: Callable[..., Any], folder: Path
) -> None:
    (folder / "tiny.py").write_text(TINY)
    server = serve("tiny:app", WEB_CONCURRENCY="1")
    slow: list[str] = []
    neighbour = threading.Thread(target=lambda: slow.append(server.get("/slow")))
    neighbour.start()
    while not (folder / "slow-began").exists():
        time.sleep(0.02)

    old = server.get("/exhausted")
    new = server.get("/")
    while new == old:  # it hears of its end a little later
        new = server.get("/")
    neighbour.join()

    assert slow == [old] and new != old
    server.wait_for(f"worker {old} is replaced: too many of its handlers hang")


def test_app_with_faulty_settings_ends_the_server_in_words_and_with_their_code(
    serve: Callable[..., Any], folder: Path
) -> None:
    (folder / "faulty.py").write_text(
        "from wxbot.errors import ConfigurationError\n"
        'raise ConfigurationError(("[spool] path: no", "[redis] url: no"))\n'
    )
    server = serve("faulty:app", WEB_CONCURRENCY="1")

    assert server.process.wait(SECONDS) == 78
    assert "\nwxbot: [spool] path: no\nwxbot: [redis] url: no\n" in server.log
    assert "Traceback" not in server.log


def test_server_that_ends_refuses_at_once_and_answers_what_it_has(
    serve: Callable[..., Any], folder: Path
) -> None:
    (folder / "tiny.py").write_text(TINY)
    server = serve("tiny:app")
    server.get("/")
    held: list[str] = []
    neighbour = threading.Thread(target=lambda: held.append(server.get("/held")))
    neighbour.start()
    while not (folder / "held-began").exists():
        time.sleep(0.02)

    server.process.terminate()
    give_up_at = time.monotonic() + 30
    while not refuses(server.port) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    # Nothing but its own end has it refuse: the request that it has is not answered yet.
    has_refused, was_answered = refuses(server.port), bool(held)
    (folder / "let-go").touch()
    neighbour.join()

    assert (has_refused, was_answered, len(held)) == (True, False, 1)


SLOW_BIRTH = """
import os, time

def be_born():
    open(f"born-{os.getpid()}", "w").close()
    while not os.path.exists("go-on"):
        time.sleep(0.01)

os.register_at_fork(after_in_child=be_born)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGQUIT])
def test_end_that_a_worker_hears_before_it_listens_to_signals_is_its_end(
    serve: Callable[..., Any], folder: Path, how: signal.Signals
) -> None:
    (folder / "tiny.py").write_text(TINY)
    (folder / "sitecustomize.py").write_text(SLOW_BIRTH)
    server = serve("tiny:app", PYTHONPATH=str(folder), WEB_CONCURRENCY="1")
    while not (born := list(folder.glob("born-*"))):
        time.sleep(0.02)

    server.process.send_signal(how)
    server.wait_for("Handling signal")
    os.kill(int(born[0].name.removeprefix("born-")), 0)  # it is there, and was told with the same breath
    time.sleep(0.3)
    (folder / "go-on").touch()
    server.end(how)

    assert "Worker exiting" in server.log and "SIGKILL" not in server.log


def refuses(port: int) -> bool:
    """Say whether nobody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:  # the end came in the midst of it
        return False
    return False


TWO = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
)


def test_refusal_of_a_later_request_reaches_the_client(serve: Callable[..., Any], folder: Path) -> None:
    (folder / "tiny.py").write_text(TINY)
    server = serve("tiny:app", WEB_CONCURRENCY="1")
    server.get("/")

    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
        client.sendall(TWO + bytes(200_000))  # what is not read would have the kernel take the answer back
        time.sleep(1)
        said = b""
        while more := client.recv(65536):
            said += more

    assert said.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 400" in said


LEAVING = """
def app(environ, start_response):
    if environ["PATH_INFO"] == "/leave":
        raise SystemExit(3)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(__import__("os").getpid()).encode()]
"""


def test_request_that_ends_its_thread_is_told_and_costs_no_process(
    serve: Callable[..., Any], folder: Path
) -> None:
    (folder / "leaving.py").write_text(LEAVING)
    server = serve("leaving:app", WEB_CONCURRENCY="1")
    before = server.get("/")

    with suppress(OSError, HTTPException):
        server.get("/leave")

    assert server.get("/") == before
    server.wait_for("a request ended its thread")


LIMITED = """
import os, threading, time

start = threading.Thread.start

def started(thread):
    if thread.name.startswith("ThreadPoolExecutor") and os.path.exists("limit"):
        raise RuntimeError("can't start new thread")
    start(thread)

threading.Thread.start = started

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        open("slow-began", "w").close()
        time.sleep(1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


def test_limit_of_threads_costs_no_process_and_no_request_that_a_thread_can_come_to(
    serve: Callable[..., Any], folder: Path
) -> None:
    (folder / "limited.py").write_text(LIMITED)
    (folder / "limit").touch()
    server = serve("limited:app", WEB_CONCURRENCY="1")

    for _ in range(2):
        with pytest.raises((OSError, HTTPException)):
            server.get("/")
    (folder / "limit").unlink()
    first = server.get("/")
    (folder / "limit").touch()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(server.get, "/slow")
        while not (folder / "slow-began").exists():
            time.sleep(0.01)
        meanwhile = server.get("/")

    assert slow.result() == meanwhile == first
    server.wait_for("(?s)there is no thread.*there is no thread")
    assert server.log.count("there is no thread") == 2 and "Traceback" not in server.log


REFUSED = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 900000\r\n\r\nthe beginning"
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_clients_that_keep_their_connection_open_hold_up_nobody(
    serve: Callable[..., Any], folder: Path
) -> None:
    (folder / "tiny.py").write_text(TINY)
    server = serve("tiny:app", WEB_CONCURRENCY="1")
    server.get("/")

    took = {"read": waited_behind(WHOLE, server), "unread": waited_behind(REFUSED, server)}

    assert max(took.values()) < 5, took  # gunicorn waits for each of them, for two seconds
    assert server.end() == 0


def waited_behind(request: bytes, server: Any) -> float:
    """Return how long a request took while clients who were answered keep their connections open."""
    with ExitStack() as stack:
        address = "127.0.0.1", server.port
        clients = [stack.enter_context(socket.create_connection(address, SECONDS)) for _ in range(8)]
        for client in clients:
            client.sendall(request)
        assert clients[0].recv(4096)
        time.sleep(0.5)  # the others are answered as well
        began = time.monotonic()
        server.get("/")
        return time.monotonic() - began


LINGERING = '''
"""An app whose last request ends while its bot has just opened files."""

import time
from types import SimpleNamespace


class Watch:
    on_exhausted = None

    def close(self, **_):
        files = [open(f"kept-{number}", "wb") for number in range(20)]
        time.sleep(2)
        for file in files:
            file.close()
        open("has-ended", "w").close()


class App:
    bot = SimpleNamespace(runs=SimpleNamespace(watch=Watch()), forget_secrets=lambda: None)
    extensions = {"wxbot": bot}

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            open("slow-began", "w").close()
            time.sleep(2)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]


app = App()
'''


def test_request_that_ends_after_the_grace_writes_into_nobodys_file(
    serve: Callable[..., Any], folder: Path
) -> None:
    (folder / "tiny.py").write_text(LINGERING)
    server = serve("tiny:app", WEB_CONCURRENCY="1", GUNICORN_CMD_ARGS="--graceful-timeout 1")
    server.get("/")

    def ask() -> None:
        with suppress(OSError, HTTPException):
            server.get("/slow")

    threading.Thread(target=ask).start()
    while not (folder / "slow-began").exists():
        time.sleep(0.02)

    server.process.send_signal(signal.SIGHUP)
    while not (folder / "has-ended").exists():
        time.sleep(0.02)

    assert {file.read_bytes() for file in folder.glob("kept-*")} == {b""}


_WHERE = """
import os

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/end":
        os.kill(os.getpid(), 9)
    return [f"{os.getpid()} {sorted(os.sched_getaffinity(0))}".encode()]
"""


def where(server: Any, count: int) -> dict[str, str]:
    """Return on which processors the workers are, by their ids, as soon as so many have answered."""
    found: dict[str, str] = {}
    give_up_at = time.monotonic() + 30
    while len(found) < count:
        assert time.monotonic() < give_up_at, found
        pid, _, processors = server.get("/").partition(" ")
        found[pid] = processors
    return found


def test_each_worker_keeps_to_a_processor_of_its_own(serve: Callable[..., Any], folder: Path) -> None:
    (folder / "where.py").write_text(_WHERE)
    usable = sorted(os.sched_getaffinity(0))
    server = serve("where:app", WEB_CONCURRENCY="2", GUNICORN_CMD_ARGS="--keep-alive 0")
    before = where(server, 2)
    with suppress(OSError, HTTPException):
        server.get("/end")  # whoever comes instead of it takes its processor
    after = before
    while set(after) == set(before):
        after = where(server, 2)

    for placed in (before, after):
        assert all(processors in {f"[{each}]" for each in usable} for processors in placed.values())
        assert len(set(placed.values())) == min(2, len(usable))


def test_workers_go_where_they_like_if_they_are_told_to(serve: Callable[..., Any], folder: Path) -> None:
    (folder / "where.py").write_text(_WHERE)
    server = serve("where:app", WEB_PINNED="0", GUNICORN_CMD_ARGS="--keep-alive 0")

    assert set(where(server, 2).values()) == {str(sorted(os.sched_getaffinity(0)))}


def test_garbage_is_looked_for_once_everything_is_loaded(serve: Callable[..., Any], folder: Path) -> None:
    (folder / "tidy.py").write_text(
        "import gc\n\nloading = gc.isenabled()\n\n\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [f'{loading} {gc.isenabled()} {gc.get_freeze_count() > 0}'.encode()]\n",
        encoding="utf-8",
    )

    assert serve("tidy:app").get("/") == "False True True"
