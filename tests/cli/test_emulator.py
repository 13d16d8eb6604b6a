"""`wxbot emulator`: a WeChat by itself."""

import signal
import socket
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from wxbot.cli import cli


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_emulator_runs_until_it_is_ended(project: Any, how: signal.Signals) -> None:
    started = project.start("emulator", "--port", "0", "--callback", "http://127.0.0.1:1/wechat")
    url = started.wait_for(r"Phone page\s+(http://\S+)/\n")[1]
    started.wait_for("Ctrl-C")

    page = requests.get(f"{url}/", timeout=5)
    token = requests.get(
        f"{url}/cgi-bin/token?grant_type=client_credential&appid=wx0000000000000001&secret=secret", timeout=5
    )

    assert (page.status_code, "access_token" in token.json()) == (200, True)
    assert started.end(how) == {signal.SIGINT: 0, signal.SIGTERM: -signal.SIGTERM}[how]
    assert "Traceback" not in started.output


def test_emulator_plays_the_configured_account_without_showing_its_secrets(configured: Any) -> None:
    started = configured.start("emulator", "--port", "0", "--from-config")
    url = started.wait_for(r"Phone page\s+(http://\S+)/\n")[1]
    started.wait_for("Ctrl-C")

    state = requests.get(f"{url}/control/state", timeout=5).json()

    assert state["account"]["appid"] == "wx0123456789abcdef"
    assert "K8mQ2vR7xW4nB9tY" not in started.output and "jWmYm7qr" not in started.output


def test_key_of_another_form_is_wrong_usage() -> None:
    result = CliRunner().invoke(cli, ["emulator", "--port", "0", "--aes-key", "short"])

    assert result.exit_code == 2 and "43 characters" in result.output


@pytest.mark.parametrize("url", ["localhost:8000/wechat", "127.0.0.1:8000", "http://[::1", "/wechat"])
def test_callback_that_is_no_address_is_wrong_usage(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(cli, ["emulator", "--port", port, "--callback", url])

    assert result.exit_code == 2
    assert "--callback" in result.output and "http://127.0.0.1:8000/wechat" in result.output


def test_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(cli, ["emulator", "--port", port])

    assert result.exit_code == 1
    assert (
        result.output == f"wxbot: port {port} is in use; stop what uses it, or choose another with --port\n"
    )
