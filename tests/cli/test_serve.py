"""`wxbot serve`: from the command line to the handler and back."""

import signal
import socket
from typing import Any


def test_served_scan_runs_once_and_is_answered_alike(configured: Any) -> None:
    served = configured.start("serve", "--bind", "127.0.0.1:0", "--workers", "2", "--threads", "4")
    port = served.wait_for(r"Listening at: http://127\.0\.0\.1:(\d+)")[1]

    url = f"http://127.0.0.1:{port}/wechat"
    result = configured.run("simulate", "scan", "vip", "--mode", "safe", "--repeat", "3", "--url", url)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("你好") == 3 and "All 3 answers are the same." in result.stdout
    assert (configured.folder / "runs.txt").read_text() == "once "
    assert (configured.folder / "var" / "wxbot.db").exists()
    assert served.end(signal.SIGTERM) == 0
    assert "Traceback" not in served.output


def test_bad_configuration_is_not_served(configured: Any) -> None:
    result = configured.run("serve", "--bind", "127.0.0.1:0", WXBOT_ACCOUNTS__DEFAULT__TOKEN="short")

    assert result.returncode == 78
    assert "wxbot: [accounts.default] token" in result.stderr and "Traceback" not in result.stderr


def test_broken_handlers_are_not_served(configured: Any) -> None:
    configured.write("handlers/broken.py", '"""Broken."""\n\nraise RuntimeError("not today")\n')

    result = configured.run("serve", "--bind", "127.0.0.1:0")

    assert result.returncode == 78
    assert "wxbot: handlers/broken.py:3: " in result.stderr and "Traceback" not in result.stderr


def test_taken_port_fails(configured: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = configured.run("serve", "--bind", f"127.0.0.1:{taken.getsockname()[1]}")

    assert result.returncode == 1
    assert "in use" in result.stderr
