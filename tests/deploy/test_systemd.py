"""The units are valid, lock the bot in alike, and hand over the address without losing a request."""

import asyncio
import inspect
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import gunicorn.config
import pytest

from bench.faults import figures, oracle
from bench.faults.platform import Manners, Platform, scenes, until
from bench.faults.processes import Setup, Web, sender
from tests import services
from tests.deploy import shipped

UNITS = ("wxbot-web.socket", "wxbot-web.service", "wxbot-worker.service")
INSTALLED = "/opt/wxbot/.venv/bin/"
# What one of the two does differently.
OWN = {
    "Description",
    "Requires",
    "After",
    "Type",
    "Environment",
    "ExecStart",
    "TimeoutStartSec",
    "TimeoutStopSec",
    "RuntimeDirectory",
    "RuntimeDirectoryMode",
}


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: install the package systemd")
    for name in UNITS:
        text = (shipped.DEPLOY / "systemd" / name).read_text()
        places = {INSTALLED: f"{Path(sys.executable).parent}/"} if name.endswith(".service") else {}
        (tmp_path / name).write_text(shipped.placed(text, places))

    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    # Faults of the machine's own units are told as well.
    assert not [line for line in ended.stderr.splitlines() if "wxbot" in line]
    assert not ended.returncode, ended.stderr


def test_both_services_are_locked_in_alike() -> None:
    web, worker = (shipped.unit(name) for name in UNITS[1:])

    assert {key: value for key, value in web.items() if key not in OWN} == {
        key: value for key, value in worker.items() if key not in OWN
    }
    assert web["ProtectSystem"] == ["strict"] and web["NoNewPrivileges"] == ["yes"]
    assert web["Restart"] == ["always"] and web["RestartPreventExitStatus"] == ["78"]


def test_environment_is_shipped_and_read() -> None:
    (file,) = shipped.unit("wxbot-web.service")["EnvironmentFile"]
    names = re.findall(r"^(\w+)=", (shipped.DEPLOY / "systemd" / Path(file).name).read_text(), re.MULTILINE)
    read = (shipped.ROOT / "gunicorn.conf.py").read_text() + inspect.getsource(gunicorn.config)

    assert set(names) == {"WXBOT_CONFIG", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"}
    assert all(name in read for name in names)


def test_faults_are_not_taken_over(tmp_path: Path) -> None:
    check, hang_up = shipped.unit("wxbot-web.service")["ExecReload"]
    assert hang_up == "/bin/kill -HUP $MAINPID"
    setup = Setup(folder=tmp_path, database=f"sqlite:///{tmp_path}/wxbot.db")
    setup.write()

    codes = []
    for added in ("", "typo = 1\n"):
        with (tmp_path / "config.toml").open("a") as config:
            config.write(added)
        ended = subprocess.run(
            here(check), cwd=tmp_path, env=setup.child_environment(), capture_output=True, check=False
        )
        codes.append(ended.returncode)

    assert codes == [0, 78]


def here(line: str) -> list[str]:
    """Return a unit's command line with the programs of this environment."""
    return shipped.placed(line, {INSTALLED: f"{Path(sys.executable).parent}/"}).split()


class Activated(Web):
    """The web server as systemd starts it: its command line, the address as number 3, somebody to tell."""

    def __init__(self, setup: Setup) -> None:
        command = here(shipped.unit("wxbot-web.service")["ExecStart"][0])
        # Of the wrapped command the first four words put the address to its place.
        super().__init__(setup, wrap=lambda words: [*words[:4], *command])


@pytest.fixture
def told(tmp_path: Path) -> socket.socket:
    """Return what a service tells systemd on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        yield listening


def test_requests_wait_at_the_address_while_the_service_restarts(tmp_path: Path, told: socket.socket) -> None:
    folder = tmp_path / "bot"
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counts"),
        "WEB_CONCURRENCY": "1",
    }
    setup = Setup(folder=folder, database=services.fresh_database_url(folder), environment=environment)
    setup.write()
    web = Activated(setup)
    # WeChat waits for five seconds and comes again; how fast this machine starts is not what is asked here.
    platform = Platform(sender(), [web.port], Manners(attempts=1, timeout=30))

    def restart() -> None:
        web.stop_process(signal.SIGTERM)
        assert web.has_ended()
        web.start()
        web.wait_until_ready()

    async def scans() -> None:
        going = asyncio.create_task(asyncio.to_thread(restart))
        await platform.run(until(60, scenes("light:{}"), going.done), rate=20)
        await going

    try:
        web.start()
        assert told.recv(100).startswith(b"READY=1")
        asyncio.run(scans())
    finally:
        web.stop()

    waited = max(each.seconds for one in platform.sent for each in one.attempts)
    figures.keep("socket", {"scans": len(platform.sent), "longest_wait_s": round(waited, 2)})
    assert len(platform.sent) > 20
    assert oracle.faults_of(platform.sent) == {}, web.tail()
