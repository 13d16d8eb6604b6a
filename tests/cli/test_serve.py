"""`wxbot serve`: from the command line to the handler and back."""

import signal
import socket
import time
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from wxbot.cli.output import Failure
from wxbot.cli.ports import require_free_for_gunicorn

# Writes down each check that imports it.
TELLING = '''
"""Nothing to scan."""

import sys
from pathlib import Path

if "check" in sys.argv:
    with Path("checks.txt").open("a") as checks:
        checks.write("once ")
'''


def test_served_scan_runs_once_and_is_answered_alike(configured: Any) -> None:
    configured.write("handlers/telling.py", TELLING)
    served = configured.start("serve", "--bind", "127.0.0.1:0", "--workers", "2", "--threads", "4")
    port = served.port()

    url = f"http://127.0.0.1:{port}/wechat"
    result = configured.run("simulate", "scan", "vip", "--mode", "safe", "--repeat", "3", "--url", url)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("你好") == 3 and "All 3 answers are the same." in result.stdout
    assert (configured.folder / "runs.txt").read_text() == "once "
    assert (configured.folder / "checks.txt").read_text() == "once "
    assert (configured.folder / "var" / "wxbot.db").exists()
    assert served.end(signal.SIGTERM) == 0
    assert "Traceback" not in served.output


def test_bad_configuration_is_not_served(configured: Any) -> None:
    result = configured.run_apart("serve", "--bind", "127.0.0.1:0", WXBOT_ACCOUNTS__DEFAULT__TOKEN="short")

    assert result.returncode == 78
    assert "wxbot: [accounts.default] token" in result.stderr and "Traceback" not in result.stderr


def test_broken_handlers_are_not_served(configured: Any) -> None:
    configured.write("handlers/broken.py", '"""Broken."""\n\nraise RuntimeError("not today")\n')

    result = configured.run_apart("serve", "--bind", "127.0.0.1:0")

    assert result.returncode == 78
    assert "wxbot: handlers/broken.py:3: " in result.stderr and "Traceback" not in result.stderr


def test_reload_that_would_be_no_good_is_refused(configured: Any) -> None:
    served = configured.start("serve", "--bind", "127.0.0.1:0", "--workers", "1")
    port = served.port()
    url = f"http://127.0.0.1:{port}/wechat"
    configured.run("simulate", "scan", "vip", "--mode", "safe", "--url", url)  # its process has loaded all
    broken = configured.write("handlers/broken.py", '"""Broken."""\n\nraise RuntimeError("not today")\n')

    served.process.send_signal(signal.SIGHUP)
    served.wait_for("handlers/broken.py:3: (.|\n)*nothing is reloaded until that is mended")
    give_up_at = time.monotonic() + 60
    while "你好" not in (said := simulated(configured, url)) and time.monotonic() < give_up_at:
        time.sleep(1.1)  # another second, another event: this one had to be given a text to wait with
    assert "你好" in said

    broken.unlink()
    configured.write("config.toml", f'{configured.config}\n[spool]\npath = "config.toml/spool"\n')
    served.process.send_signal(signal.SIGHUP)
    served.wait_for(r"\[spool\] path: (.|\n)*nothing is reloaded until that is mended")
    assert served.port() == port
    assert served.end(signal.SIGTERM) == 0


def simulated(project: Any, url: str) -> str:
    """Return what a simulated scan tells."""
    told: str = project.run("simulate", "scan", "vip", "--mode", "safe", "--url", url).stdout
    return told


@pytest.mark.parametrize("options", [[], ["--no-worker"]], ids=["pair", "alone"])
def test_taken_port_is_told_in_one_line(configured: Any, options: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = configured.run_apart("serve", "--bind", f"127.0.0.1:{port}", *options)

    said = f"wxbot: port {port} is in use; stop what uses it, or choose another with --bind\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", said)


@pytest.mark.parametrize(
    ("bind", "environment", "is_refused"),
    [
        ("127.0.0.1:{taken}", {}, True),
        (None, {"WXBOT_BIND": "127.0.0.1:{taken}"}, True),
        ("127.0.0.1:{taken}", {"GUNICORN_CMD_ARGS": "--preload -b 127.0.0.1:0"}, True),
        (None, {"WXBOT_BIND": "127.0.0.1:{taken}", "GUNICORN_CMD_ARGS": "-b 127.0.0.1:0"}, False),
        ("127.0.0.1:0", {"WXBOT_BIND": "127.0.0.1:{taken}"}, False),
        ("127.0.0.1:{taken}", {"LISTEN_FDS": "1"}, False),
        ("127.0.0.1:{taken}", {"GUNICORN_CMD_ARGS": "--reuse-port"}, False),
        ("unix:/nowhere/wxbot.sock", {}, False),
        ("127.0.0.1:99999", {}, False),
    ],
)
def test_port_is_looked_at_where_gunicorn_is_going_to_listen_on_it(
    bind: str | None, environment: dict[str, str], *, is_refused: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, ExitStack() as expected:
        port = str(taken.getsockname()[1])
        if is_refused:
            expected.enter_context(pytest.raises(Failure, match=f"port {port} is in use"))
        require_free_for_gunicorn(
            bind and bind.replace("{taken}", port),
            {name: value.replace("{taken}", port) for name, value in environment.items()},
        )


def test_streams_leave_the_threads_of_the_callback_alone(configured: Any) -> None:
    served = configured.start("serve", "--bind", "127.0.0.1:0", "--workers", "1", "--threads", "2")
    port = served.port()
    key = configured.run("api-key", "create", "shop").stdout.strip()
    claims = f"http://127.0.0.1:{port}/api/v1/claims"
    body = {"purpose": "order", "subject": "42", "with_code": False}

    with ExitStack() as opened:
        site = opened.enter_context(requests.Session())
        site.headers["Authorization"] = f"Bearer {key}"
        claim = site.post(claims, json=body, timeout=60).json()
        # Of 2 + 16 threads, half may be streams.
        streams = [
            opened.enter_context(site.get(f"{claims}/{claim['id']}/stream", stream=True, timeout=60))
            for _ in range(10)
        ]
        url = f"http://127.0.0.1:{port}/wechat"
        result = configured.run("simulate", "scan", "vip", "--mode", "safe", "--repeat", "3", "--url", url)
        first = next(streams[0].iter_lines())

    assert [stream.status_code for stream in streams] == [200] * 9 + [503]
    assert first == b"event: state"
    assert "All 3 answers are the same." in result.stdout, result.stdout
    assert served.end(signal.SIGTERM) == 0
