"""How gunicorn runs wxbot. `wxbot serve` uses this file too; gunicorn's command line overrides each value.

Nothing here may import wxbot: what the master imports stays imported in every worker, also after a reload.
"""

import gc
import importlib
import logging
import os
import random
import runpy
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, deque
from concurrent.futures import Future
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from gunicorn.workers.gthread import PollableMethodQueue, ThreadWorker

_NOTIFY_SECONDS = 0.5
_ANY = random.randrange(1 << 16)
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "wxbot-metrics-"

# What gunicorn ends with if its app cannot be loaded: systemd does not start again what ends so.
Arbiter.APP_LOAD_ERROR = 78


def _logging() -> dict[str, Any]:
    """Return the configuration of the log, as [logging] of the settings asks for it."""
    asked: dict[str, Any] = {}
    # What is wrong with the file is told by `wxbot check` below.
    with suppress(OSError, ValueError):
        text = Path(os.environ.get("WXBOT_CONFIG") or "config.toml").read_bytes().decode("utf-8-sig")
        section = tomllib.loads(text).get("logging")
        asked = section if isinstance(section, dict) else {}
    form = os.environ.get("WXBOT_LOGGING__FORMAT", asked.get("format"))
    level = os.environ.get("WXBOT_LOGGING__LEVEL", asked.get("level"))
    levels = ("debug", "info", "warning", "error")
    package = find_spec("wxbot")
    assert package is not None and package.submodule_search_locations
    logs = runpy.run_path(f"{package.submodule_search_locations[0]}/logs.py")
    configuration: dict[str, Any] = logs["configuration"](
        "json" if form == "json" else "text", level if level in levels else "info"
    )
    return configuration


class Wakeups(PollableMethodQueue):
    """gunicorn's pipe by which a thread says that a request is answered; open as long as the process.

    gunicorn closes it when the grace is over and goes on writing to its number, which by then may be that of
    the spool or of the database: a request that outlasts the grace put a zero byte into somebody's file.
    """

    def close(self) -> None:
        """Leave it to the end of the process."""


class Worker(ThreadWorker):
    """gunicorn's gthread, which lets go of its address as soon as it is to end.

    As long as a worker that answers what is under way keeps the address open, the kernel takes connections
    that nobody accepts, and resets them at the end. A proxy can do more with a refusal at once. Who follows,
    after HUP or behind a socket of systemd's, has the address open in its own right.
    """

    @classmethod
    def setup(cls) -> None:
        """Make the folder in which the workers count for /metrics; they find it in their environment.

        gunicorn calls this before it loads an app for all workers (`--preload`), and again after HUP.
        """
        if not os.environ.get(_METRICS):
            os.environ[_METRICS] = tempfile.mkdtemp(prefix=_own_prefix())

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.method_queue = Wakeups()
        self._notified_at = 0.0
        self._closed: deque[None] = deque()
        self.heard: SimpleQueue[int] = SimpleQueue()
        if not self.cfg.accesslog and not self.cfg.statsd_host:
            self.log.access = lambda *_: None  # gunicorn would make each line, for nobody

    def init_signals(self) -> None:
        """Listen to signals, and heed what was said before.

        Until here the process has the master's handlers, which put a signal into a queue that nobody reads
        any more: told to end, the worker would go on until the grace of all others is over.
        """
        super().init_signals()
        while not self.heard.empty():
            if self.heard.get_nowait() in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                sys.exit(0)

    def load_wsgi(self) -> None:
        """Load the app; what is wrong with the settings then is told in words, as `wxbot check` does."""
        # Nothing that is loaded is garbage: to look for some again and again takes a fifth of the time.
        gc.disable()
        try:
            super().load_wsgi()
        except Exception as error:
            faults = getattr(error, "faults", None)
            if not faults:
                raise
            raise AppImportError("\n".join(f"wxbot: {fault}" for fault in faults)) from None
        finally:
            gc.enable()

    def handle(self, conn: Any) -> Any:
        """Handle what came on a connection: mostly it is there, and no selector needs to be made to wait."""
        conn.data_ready = conn.data_ready or _has_come(conn.sock)
        return super().handle(conn)

    def enqueue_req(self, conn: Any) -> None:
        """Have a thread handle what comes on a connection; where none is to be had at all, close it.

        At the machine's limit the pool cannot grow, and says so here, which would end this process. What was
        to be done is in its queue by then, and a thread that is there comes to it.
        """
        try:
            self.tpool.submit(self._serve, conn)
        except RuntimeError as error:
            if self.tpool._shutdown:
                raise
            if not self.tpool._threads:
                self._refuse(conn, error)

    def _refuse(self, conn: Any, error: RuntimeError) -> None:
        """Close a connection that nobody can handle; a proxy can do more with that than with silence."""
        logging.getLogger("gunicorn.error").error("a connection was closed, there is no thread: %s", error)
        with suppress(Empty):
            self.tpool._work_queue.get_nowait()  # a thread that is there later must not find it
        self.nr_conns -= 1
        conn.close()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for something to do, and count the connections that were closed meanwhile."""
        super().wait_for_and_dispatch_events(timeout)
        while self._closed:
            self._closed.pop()
            self.nr_conns -= 1

    def _serve(self, conn: Any) -> None:
        """Handle a request, and close its connection on the same thread.

        gunicorn has the thread that accepts close it, and wait for the client to close its end: one that does
        not do so holds up all others for two seconds.
        """
        goes_on: Any = False
        try:
            goes_on = self.handle(conn)
        except BaseException:  # SystemExit and its kin; gunicorn has told the client of all others
            self.log.exception("a request ended its thread")
        if goes_on:
            handled: Future[Any] = Future()
            handled.set_result(goes_on)
            self.method_queue.defer(self.finish_request, conn, handled)
        else:
            self._close(conn)

    def _close(self, conn: Any) -> None:
        try:
            # What is not read would make the kernel reset the connection, and the client lose its answer.
            conn.close(graceful=not _is_read(conn))
        finally:
            self._closed.append(None)
            # It is counted within a second, when the next one comes; at once if that is waited for.
            if not (self.alive and self._accepting):
                self.method_queue.defer(_wake)

    def notify(self) -> None:
        """Give a sign of life, a few times a second; gunicorn's own gives several for each request."""
        if time.monotonic() - self._notified_at > _NOTIFY_SECONDS:
            self._notified_at = time.monotonic()
            super().notify()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections, or do not: then for good, if this worker ends."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            streams = getattr(self.wsgi, "extensions", {}).get("wxbot.streams")
            if streams is not None:
                streams.end()  # they would hold their threads for minutes; browsers ask again elsewhere
            for listener in self.sockets:
                listener.close()


def _is_read(conn: Any) -> bool:
    """Tell whether the last request said its length and was read to the end, and nothing has come since."""
    message = getattr(conn.parser, "mesg", None)
    if message is None or getattr(message, "req_number", None) != getattr(conn.parser, "req_count", None):
        return False  # of the last one not even the head could be read
    reader = getattr(message.body, "reader", None)
    return getattr(reader, "length", None) == 0 and not _has_come(conn.sock)


def _has_come(sock: Any) -> bool:
    """Tell whether there is something to read, without waiting for it."""
    at_once = select.poll()
    at_once.register(sock, select.POLLIN)
    return bool(at_once.poll(0))


def _wake() -> None:
    """Do nothing: that somebody asks for it ends the wait for something to do."""


wsgi_app = "wsgi:app"
bind = os.environ.get("WXBOT_BIND", "127.0.0.1:8000")

# Threads, because a handler that waits must not keep the next scan waiting; two processes, so that one
# can be replaced while the other answers.
worker_class = Worker
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Half of them are there for requests, whatever else goes on: so many streams of events are open at most,
# each of which holds a thread for two minutes. A thread is only made when there is work for it.
_STREAMS = 16
threads = 16 + _STREAMS
keepalive = 15
graceful_timeout = 10
# Of these, for handlers that still run when every request is answered (which takes 4.3 s at most).
_LATE_SECONDS = 4
# A process that does not give a sign of life for so long is replaced: some handler keeps Python to itself.
timeout = 10
# Longer than the longest query that is looked at, so that it is the bot that refuses one.
limit_request_line = 8190

# gunicorn's control socket has one fixed place for a user: a second bot would take it from the first.
control_socket_disable = True

# No access log: the query string holds signatures, and whoever reads one may replay it for a while.
accesslog = None
errorlog = "-"
logconfig_dict = _logging()


def on_starting(_server: Any) -> None:
    """Refuse a bad configuration once, in words and with code 78, before any worker fails on it."""
    # After USR2 the environment is that of the gunicorn which is being replaced, and so is a folder in it.
    is_inherited = "GUNICORN_PID" in os.environ
    # From `wxbot serve`; it is not for the workers, to whom it would be a misspelt setting.
    is_checked = os.environ.pop("WXBOT_CHECKED", None) is not None and not is_inherited
    if not is_checked:
        checked = subprocess.run([sys.executable, "-m", "wxbot", "check", "--quiet"], check=False)
        if checked.returncode:
            _forget_counts()
            sys.exit(checked.returncode)
    if not is_inherited:
        folder = Path(os.environ[_METRICS])
        folder.mkdir(parents=True, exist_ok=True)
        for counts in folder.glob("*.db"):  # of the workers before: they would be counted once more
            if not counts.stem.endswith(f"_{os.getpid()}"):
                counts.unlink(missing_ok=True)


def pre_exec(server: Any) -> None:
    """Start the gunicorn that takes over after USR2 as this one was started: as a module, if it was one.

    By the path of that module its folder would come first in sys.path, and gunicorn.http hide Python's own.
    """
    arguments = server.START_CTX["args"]
    if Path(arguments[1]).name == "__main__.py":
        arguments[1:2] = ["-m", "gunicorn"]
    environment = server.cfg.env_orig
    # Since a HUP it names the folder that we made; it goes when we end, and the next one makes its own.
    if Path(environment.get(_METRICS, "")).name.startswith(_PREFIX):
        del environment[_METRICS]


def on_exit(_server: Any) -> None:
    """Take away the folder of counts; a gunicorn that took over after USR2 has its own."""
    _forget_counts()


def post_fork(server: Any, worker: Any) -> None:
    """Have a worker look at what its process is told before it listens to signals itself."""
    worker.heard = server.SIG_QUEUE


def post_worker_init(worker: Any) -> None:
    """Let the bot ask for a replacement when too many handlers hang, and leave no secret where they look."""
    # What is there now is there for good: looking through it for garbage would hold up a scan for 0.1 s.
    gc.freeze()
    if worker.cfg.workers > 1 and os.environ.get("WEB_PINNED", "1") != "0":
        with suppress(OSError):  # where the machine forbids it
            _pin(worker)
    bot = getattr(worker.wsgi, "extensions", {}).get("wxbot")
    if bot is not None:
        bot.runs.watch.on_exhausted = _end_this_worker
        bot.forget_secrets()
        importlib.import_module("wxbot.logs").write_together()
    streams = getattr(worker.wsgi, "extensions", {}).get("wxbot.streams")
    if streams is not None:
        streams.allow(min(_STREAMS, worker.cfg.threads // 2))


def worker_exit(_server: Any, worker: Any) -> None:
    """Let handlers end whose scan was answered with the interim text; a worker takes over what goes on."""
    bot = getattr(worker.wsgi, "extensions", {}).get("wxbot") if hasattr(worker, "wsgi") else None
    if bot is not None:
        bot.runs.watch.close(patience_seconds=_LATE_SECONDS)
        bot.outage.close()


def child_exit(_server: Any, worker: Any) -> None:
    """Forget what a worker said about itself; what it counted stays."""
    if folder := os.environ.get(_METRICS):
        for gauges in Path(folder).glob(f"gauge_live*_{worker.pid}.db"):
            gauges.unlink(missing_ok=True)


def _own_prefix() -> str:
    return f"{_PREFIX}{os.getpid()}-"


def _forget_counts() -> None:
    """Take away the folder of counts, if this process made it."""
    folder = Path(os.environ.get(_METRICS, ""))
    if folder.name.startswith(_own_prefix()):
        shutil.rmtree(folder, ignore_errors=True)


def _pin(worker: Any) -> None:
    """Keep a worker to one processor: that on which the fewest of its siblings are.

    Only one thread at a time runs Python, and each scan goes through three of them. On one processor they
    hand over in a few microseconds; to wake another takes longer (docs/decisions/0019-one-processor.md).
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    processors = sorted(os.sched_getaffinity(0))
    taken = Counter(processor for pid in _siblings() for processor in _processor_of(pid))
    # Of those that start at the same moment each takes another; masters do not know of each other.
    first = (_ANY + worker.age) % len(processors)
    os.sched_setaffinity(0, {min(processors[first:] + processors[:first], key=taken.__getitem__)})


def _siblings() -> list[int]:
    """Return the other workers of our master."""
    children = Path(f"/proc/{os.getppid()}/task/{os.getppid()}/children")
    with suppress(OSError):
        return [pid for pid in map(int, children.read_text().split()) if pid != os.getpid()]
    return []


def _processor_of(pid: int) -> set[int]:
    """Return the one processor that a process keeps to, if it does."""
    with suppress(OSError):
        processors = os.sched_getaffinity(pid)
        return processors if len(processors) == 1 else set()
    return set()


def _end_this_worker() -> None:
    """End this process as TERM does: requests under way are answered, and the master starts another one."""
    logging.getLogger("gunicorn.error").warning(
        "worker %s is replaced: too many of its handlers hang", os.getpid()
    )
    os.kill(os.getpid(), signal.SIGTERM)
