"""How lines of the log look: text for people or JSON for collectors, tied to an event, without secrets.

Imports nothing of wxbot: gunicorn's master formats its lines with this file alone, so that the processes
which it starts after an upgrade load all of wxbot anew.
"""

import json
import logging
import os
import re
import select
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from functools import lru_cache
from logging.config import dictConfig
from typing import Any, TextIO

ID_LENGTH = 16  # hexadecimal digits of an event's key: enough to find it, short enough to read
_MESSAGE_LENGTH = 4000
_TRACEBACK_LENGTH = 16_000
# So many lines wait for a reader that stands still, some megabytes; what comes then is counted.
_MOST_WAITING = 10_000

_PRIVATE_NAMES = (
    "access_token|refresh_token|jsapi_ticket|component_verify_ticket|secret|appsecret|secret_key|aes_key|"
    "signature|msg_signature|echostr|ticket|token|password|openid|next_openid|authorization|"
    "(?<=[?&])code"  # of a login, in an address; elsewhere a code is a number that explains
)
# As in an address or a call (name=value), and as in JSON or a dict ("name": "value").
_NAMED = re.compile(rf"(?i)\b({_PRIVATE_NAMES})(?:(=)[\"']?[^\s&\"'<>,;)]+|([\"']\s*[:=]\s*[\"'])[^\"']+)")
_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")
_OPENID = re.compile(r"(?<![0-9A-Za-z_-])o[0-9A-Za-z_-]{27}(?![0-9A-Za-z_-])")
# All that moves a terminal's cursor, except the line feed and the tab of a traceback.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


_EVENT = "wxbot.event"
_event: ContextVar[str] = ContextVar(_EVENT)


def configure(format: str, level: str) -> None:
    """Let this process log to the standard error output; both are settings of [logging]."""
    dictConfig(configuration(format, level))


def configuration(format: str, level: str) -> dict[str, Any]:
    """Return the same for logging.config.dictConfig, and for gunicorn's `logconfig_dict`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter, "format": format}},
        "handlers": {"console": {"()": Console, "formatter": "line"}},
        "root": {"level": level.upper(), "handlers": ["console"]},
        "loggers": {
            "gunicorn.error": {"level": level.upper(), "handlers": ["console"], "propagate": False},
            # Both tell of each step that they take, at every start and every pause.
            "alembic": {"level": "WARNING"},
            "huey": {"level": "WARNING"},
        },
    }


class Console(logging.StreamHandler[TextIO]):
    """The standard error output, line by line, until `write_together`.

    Each write lets another thread go first, which costs a busy bot more than the line itself.
    """

    together_seconds = 0.1

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque()
        self._writing = threading.Lock()
        self._flushed_at = -self.together_seconds
        self._is_together = False
        self._waits = threading.Event()
        self._dropped = 0

    def write_together(self) -> None:
        """From now on write lines of `info` and below a tenth of a second's worth at a time.

        So much of them is lost when the process is killed. What is worse is written at once, with all that
        was before it, and so is a line that nothing was before; but nobody who logs waits for a reader that
        stands still: a terminal that was stopped, a collector that hangs. For a process that does not fork
        any more.
        """
        if not self._is_together:
            self._is_together = True
            os.register_at_fork(after_in_child=self._forget)
            try:
                threading.Thread(target=self._go_on, name="log", daemon=True).start()
            except RuntimeError:  # the machine has no thread to give: line by line, as before
                self._is_together = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record, now or soon."""
        try:
            if len(self._lines) >= _MOST_WAITING:
                self._dropped += 1
                return
            self._lines.append(self.format(record) + self.terminator)
            is_alone = time.monotonic() - self._flushed_at >= self.together_seconds
            if not self._is_together:
                self.flush()
            elif not (is_alone or record.levelno > logging.INFO) or not self._has_written():
                self._waits.set()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Write what waits."""
        with self._writing:
            self._write(lambda _text: True)

    def close(self) -> None:
        """Write what waits; what is logged from now on, at the end of the process, waits for nothing."""
        self._is_together = False
        super().close()

    def _has_written(self) -> bool:
        """Write what waits if that can be done at once; False: something is left for the thread."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            return self._write(self._is_taken_at_once)
        finally:
            self._writing.release()

    def _write(self, may: Callable[[str], bool]) -> bool:
        self._flushed_at = time.monotonic()
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        written = 0
        for piece in _undivided(lines):
            text = "".join(piece)
            if not may(text):
                self._lines.extendleft(reversed(lines[written:]))
                return False
            self.stream.write(text)
            super().flush()
            written += len(piece)
        return True

    def _is_taken_at_once(self, text: str) -> bool:
        try:
            file = self.stream.fileno()
        except (AttributeError, OSError, ValueError):  # nothing that anybody reads from
            return True
        if stat.S_ISREG(os.fstat(file).st_mode):
            return True
        # A pipe that can be written to takes so much, and of more nobody knows.
        ready = select.poll()
        ready.register(file, select.POLLOUT)
        return len(text.encode("utf-8", "replace")) <= select.PIPE_BUF and bool(ready.poll(0))

    def _go_on(self) -> None:
        while self._waits.wait():
            time.sleep(self.together_seconds)
            self._waits.clear()
            with suppress(Exception):  # whom could it be told?
                self.flush()
                self._tell_of_dropped()

    def _tell_of_dropped(self) -> None:
        if self._lines:
            self._waits.set()  # it would be one too many itself; once more, when these are written
            return
        dropped, self._dropped = self._dropped, 0
        if dropped:
            logging.getLogger("wxbot.logs").warning(
                "%s lines of the log were dropped: nobody read the standard error output", dropped
            )

    def _forget(self) -> None:
        """After a fork: what waits is the parent's to write."""
        self._lines, self._writing, self._is_together = deque(), threading.Lock(), False


def _undivided(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield lines together, as many as a pipe takes in one piece: several processes write to the same."""
    waiting: list[str] = []
    size = 0
    for line in lines:
        length = len(line.encode("utf-8", "replace"))
        if waiting and size + length > select.PIPE_BUF:
            yield waiting
            waiting, size = [], 0
        waiting.append(line)
        size += length
    if waiting:
        yield waiting


def write_together() -> None:
    """Let this process write lines of the log together, if it logs as `configuration` says."""
    for handler in logging.getLogger().handlers:
        # By its name: gunicorn's master has loaded this file on its own, and so has another class than ours.
        if type(handler).__name__ == Console.__name__:
            handler.write_together()  # type: ignore[attr-defined]


def formatter(format: str) -> logging.Formatter:
    """Return what makes a line of a record: `format` is text or json."""
    return _Json() if format == "json" else _Text()


@contextmanager
def bind_event(key: bytes | str | None) -> Iterator[None]:
    """Name an event in every line that this thread logs meanwhile: by the first digits of its key.

    Threads do not inherit it; each that works for the event binds it itself. None binds nothing.
    """
    if key is None:
        yield
        return
    before = _event.set((key.hex() if isinstance(key, bytes) else key)[:ID_LENGTH])
    try:
        yield
    finally:
        _event.reset(before)


def redact(text: str) -> str:
    """Return a text without what looks like a secret, a signature or an openid.

    A backstop: what logs should not have them in the first place.
    """
    if "=" in text or ":" in text:  # most lines have no names in them, and are not looked through for one
        text = _NAMED.sub(lambda found: f"{found[1]}{found[2] or found[3]}[hidden]", text)
    return _OPENID.sub("[openid]", _IN_ADDRESS.sub(r"\1[hidden]@", text))


class _Json(logging.Formatter):
    """An object in JSON for each record."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _clipped(record.getMessage(), _MESSAGE_LENGTH),
            "event": _event_id(),
            "traceback": _traceback(self, record),
            "pid": record.process,
        }
        return json.dumps({name: value for name, value in fields.items() if value}, ensure_ascii=True)


class _Text(logging.Formatter):
    """A line for each record, and its traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        event = f" [{id}]" if (id := _event_id()) else ""
        message = _clipped(record.getMessage(), _MESSAGE_LENGTH)
        time = _second(int(record.created))
        head = f"{time},{int(record.msecs):03} {record.levelname} {record.name}{event}: "
        lines = (head + message, _traceback(self, record))
        return _CONTROLS.sub(_shown, "\n".join(filter(None, lines)))


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """Return a second as people write it here; the next line is most often of the same one."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def _event_id() -> str | None:
    # By its name: gunicorn's master has loaded this file on its own, and so has another variable than ours.
    return next((value for each, value in copy_context().items() if each.name == _EVENT), None)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return _clipped(formatter.formatException(record.exc_info), _TRACEBACK_LENGTH) if record.exc_info else ""


def _clipped(text: str, length: int) -> str:
    """Redact and then clip: half a secret is no longer recognised as one."""
    text = redact(text)
    if len(text) <= length:
        return text
    # The end of a traceback says what happened, its beginning where it came from.
    half = length // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters ...] {text[-half:]}"


def _shown(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode("ascii")
