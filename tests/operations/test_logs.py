"""The lines of the log: one an event for collectors, tied to an event, without secrets, never endless."""

import json
import logging
import re
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from wxbot import logs
from wxbot.testing import Wx

OPENID = "oABCDEFGHIJKLMNOPQRSTUVWXYZ1"
KEY = bytes(range(16))


def format_line(form: str, message: str, *values: object, error: BaseException | None = None) -> str:
    info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("wxbot.test", logging.WARNING, __file__, 1, message, values, info)
    return logs.formatter(form).format(record)


def caught(careless: Callable[[], object]) -> BaseException:
    try:
        careless()
    except Exception as error:
        return error
    raise AssertionError("it was to fail")


def test_json_line_says_when_who_and_what() -> None:
    line = json.loads(format_line("json", "late by %s s", 3))

    assert (line["level"], line["logger"], line["message"]) == ("warning", "wxbot.test", "late by 3 s")
    assert line["time"].endswith("+00:00") and line["pid"] > 0
    assert "event" not in line and "traceback" not in line


def test_lines_name_the_event_that_is_worked_on() -> None:
    with logs.bind_event(KEY):
        text, line = format_line("text", "handled"), json.loads(format_line("json", "handled"))
        with logs.bind_event(b"\xff" * 16):
            inner = json.loads(format_line("json", "handled"))

    after = format_line("text", "handled")
    assert line["event"] == "0001020304050607" and inner["event"] == "f" * 16
    assert "[0001020304050607]: handled" in text and "[" not in after


def test_event_of_one_thread_is_not_that_of_another() -> None:
    lines: list[str] = []

    def work() -> None:
        with logs.bind_event(None):
            lines.append(format_line("text", "at work"))

    with logs.bind_event(KEY):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert "0001" not in lines[0]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("POST /wechat?signature=0123456789abcdef&timestamp=1", "0123456789abcdef"),
        ("GET https://api.weixin.qq.com/cgi-bin/token?appid=wx1&secret=4f1b2b0b822cd15d", "4f1b2b0b822cd15d"),
        ("{'access_token': '72_verysecret', 'expires_in': 7200}", "72_verysecret"),
        ('{"access_token":"72_verysecret"}', "72_verysecret"),
        ("(url=https://api.weixin.qq.com/sns/oauth2/access_token?code=081Kq4Ga1&x=1)", "081Kq4Ga1"),
        ("postgresql://wxbot:hunter2@db/wxbot cannot be reached", "hunter2"),
        (f"nobody answers {OPENID}", OPENID),
        (f"FromUserName=<{OPENID}>", OPENID),
    ],
)
def test_secrets_and_openids_are_hidden(form: str, said: str, secret: str) -> None:
    def fail() -> None:
        raise RuntimeError(said)

    lines = [
        format_line(form, "%s", said),
        format_line(form, said),
        format_line(form, "x", error=caught(fail)),
    ]

    assert "hidden" in lines[0] or "[openid]" in lines[0]
    assert not [line for line in lines if secret in line]


def test_tracebacks_show_no_local_values() -> None:
    def fail() -> None:
        hidden = "the value of a local variable".upper()
        raise RuntimeError(f"length {len(hidden)}")

    line = format_line("json", "it failed", error=caught(fail))

    assert "RuntimeError: length 29" in json.loads(line)["traceback"]
    assert "THE VALUE" not in line


def test_secret_at_the_place_of_the_clip_is_hidden() -> None:
    for length in range(3900, 4100, 7):
        line = format_line("json", "%s", "x" * (length - 2000) + f" secret={'s3cr3t' * 20} " + "y" * 9000)

        assert "s3cr3t" not in line


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_have_an_end(form: str) -> None:
    def fail() -> None:
        raise RuntimeError("x" * 10_000_000)

    line = format_line(form, "%s", "y" * 10_000_000, error=caught(fail))

    assert len(line) < 25_000 and "characters" in line


def test_what_somebody_sent_forges_no_line() -> None:
    forged = 'vip\n{"level": "error"}\r\x1b[2K\u2028\x85'

    line, text = format_line("json", "%s", forged), format_line("text", "scene %s", forged)

    assert len(line.splitlines()) == 1 and json.loads(line)["message"] == forged
    assert not set("\r\x1b\u2028\x85") & set(text)


def test_characters_that_cannot_be_written_do_not_matter() -> None:
    assert json.loads(format_line("json", "%s", "\udc80 你好"))["message"] == "\udc80 你好"


def test_configured_process_logs_at_its_level() -> None:
    script = (
        "import logging; from wxbot import logs; logs.configure('json', 'warning'); "
        "logging.info('too little to be told'); logging.warning('told')"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert [json.loads(line)["message"] for line in ended.stderr.splitlines()] == ["told"]


CONFIGURED = """
import logging, os
from wxbot import logs
logs.configure('json', 'info')
logs.write_together()
"""


def said_by(program: str) -> list[str]:
    """Return the messages that a configured program logs; it ends without the interpreter's good-bye."""
    script = f"{CONFIGURED}\n{program}\nos._exit(0)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return [json.loads(line)["message"] for line in ended.stderr.splitlines()]


def test_what_is_worse_than_usual_is_written_at_once_with_all_before_it() -> None:
    program = "logging.info('one'); logging.info('two'); logging.warning('three')"

    assert said_by(program) == ["one", "two", "three"]


def test_lines_that_wait_are_written_soon() -> None:
    script = f"{CONFIGURED}\nlogging.info('one'); logging.info('two'); import time; time.sleep(60)"

    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [json.loads(process.stderr.readline())["message"] for _ in range(2)]
        ran_on = process.poll() is None
        process.kill()

    assert (lines, ran_on) == (["one", "two"], True)


def test_lines_that_wait_at_a_fork_are_written_once() -> None:
    program = """
logging.info('one'); logging.info('two')
child = os.fork()
logging.warning('child' if child == 0 else 'parent')
if child:
    os.waitpid(child, 0)
"""
    assert sorted(said_by(program)) == ["child", "one", "parent", "two"]


def test_lines_after_the_last_flush_are_written_at_once() -> None:
    assert said_by("logging.shutdown(); logging.info('one'); logging.info('two')") == ["one", "two"]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> tuple[logs.Console, list[str]]:
    """Return what writes together, and what it has written; it never comes to it by itself."""
    console, written = logs.Console(), list[str]()
    monkeypatch.setattr(console, "stream", SimpleNamespace(write=written.append, flush=lambda: None))
    monkeypatch.setattr(console, "_go_on", lambda: None)
    monkeypatch.setattr(console, "together_seconds", 60.0)
    console.write_together()
    return console, written


def log_to(console: logs.Console, level: int, *messages: str) -> None:
    for message in messages:
        console.handle(logging.LogRecord("wxbot", level, __file__, 1, message, (), None))


def test_many_lines_of_one_moment_are_few_writes(writes: tuple[logs.Console, list[str]]) -> None:
    console, written = writes

    log_to(console, logging.INFO, *map(str, range(200)))
    console.flush()

    assert "".join(written).split() == [str(number) for number in range(200)]
    assert len(written) == 2


def test_lines_written_together_fit_into_a_pipe_in_one_piece(writes: tuple[logs.Console, list[str]]) -> None:
    console, written = writes
    lines = ["first", *("行" * length for length in (1, 500, 900, 2000, 7, 300, 1000, 9))]

    log_to(console, logging.INFO, *lines)
    console.flush()

    assert "".join(written).splitlines() == lines
    assert all(len(text.encode()) <= select.PIPE_BUF or text.count("\n") == 1 for text in written)
    assert len(written) < len(lines)


def test_however_much_is_logged_one_thread_writes_it() -> None:
    program = """
import threading, time
for _ in range(300):
    logging.warning("w"); logging.info("i"); time.sleep(0.001)
logging.warning("%s", threading.active_count())
for handler in logging.getLogger().handlers:
    handler.flush()  # what a reader that came late has left to the thread
"""
    assert said_by(program)[-1] == "2"


# Who logs has the time of a test; a thread that writes into a full pipe never comes back from it.
READER_STANDS_STILL = """
import logging, os, sys, threading, time
from wxbot import logs
read, write = os.pipe()
os.dup2(write, 2)
logs.configure('text', 'info')
logs.write_together()
for number in range({count}):
    logging.info('%s %s', number, 'x' * 100)
    if number % 50 == 0:
        logging.error('%s worse', number)
print('did not wait', flush=True)
os.set_blocking(read, False)
found, give_up_at = b'', time.monotonic() + 30
while {last!r}.encode() not in found and time.monotonic() < give_up_at:
    try:
        found += os.read(read, 1 << 20)
    except BlockingIOError:
        time.sleep(0.01)
sys.stdout.write(found.decode())
sys.stdout.flush()
os._exit(0)
"""


def said_to_nobody(count: int, last: str) -> list[str]:
    """Return what a process prints that logs while nobody reads, then what it wrote once somebody did."""
    script = READER_STANDS_STILL.format(count=count, last=last)
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return ended.stdout.splitlines()


def test_nobody_who_logs_waits_for_a_reader_that_stands_still() -> None:
    first, *lines = said_to_nobody(2000, "1999 x")

    assert first == "did not wait"
    numbers = [int(found[1]) for line in lines if (found := re.search(r"(\d+) x{100}$", line))]
    assert numbers == list(range(2000))
    assert sum("worse" in line for line in lines) == 2000 // 50


def test_lines_that_were_too_many_for_a_reader_that_stood_still_are_counted() -> None:
    count = 25_000  # more than may wait, and as many that the thread has taken to write when it stops
    lines = said_to_nobody(count, "lines of the log were dropped")

    dropped = next(int(found[1]) for line in lines if (found := re.search(r" (\d+) lines of the log", line)))
    logged = count + count // 50
    assert 0 < dropped < logged
    assert dropped + len(lines) - 2 == logged


def test_api_call_is_logged_under_the_event_that_asked_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    wx = Wx(tmp_path, packages=[])
    monkeypatch.setattr(caplog.handler, "formatter", logs.formatter("json"))
    caplog.set_level(logging.INFO)

    with logs.bind_event(KEY):
        wx.api.tags()
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    wx.close()

    (call,) = [line for line in lines if line["logger"] == "wxbot.wechat.api"]
    assert call["event"] == "0001020304050607" and "tags/get: errcode 0" in call["message"]
