"""The processes of a bot under fault: gunicorn and workers as shipped, in a folder of their own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wxbot.cli.serve import shipped_settings
from wxbot.emulator.wire import Mode, Sender

APPID = "wx0000000000000001"
TOKEN = "faults0callback0token"
AES_KEY = "faultsfaultsfaultsfaultsfaultsfaultsfaults1"
READY_SECONDS = 60

_CONFIG = """
secret_key = "the secret key of the fault harnesses, long enough"
database.url = "{database}"
redis.url = "{redis}"
jobs.backend = "{backend}"
handlers.packages = ["bench.faults.handlers"]
callback.deadline_seconds = {deadline}
[accounts.default]
appid = "{appid}"
secret = "secret"
token = "{token}"
aes_key = "{aes_key}"
mode = "{mode}"
api_base = "{api}"
{more}
"""
# Modules are imported once and for all workers: it makes their start five times as cheap, so that a machine
# of two cores can be killed at a pace that shows something. The app itself is made in each worker, as ever.
# The check of the configuration is left out for the same reason.
_SETTINGS = """
import runpy
import wxbot.app
globals().update(runpy.run_path({settings!r}))
del on_starting
if {broken!r}:
    from bench.faults import broken
    broken.apply({broken!r})
"""
_BROKEN_COMMAND = (
    "from bench.faults import broken; broken.apply({broken!r}); from wxbot.cli import main; main()"
)


def sender(mode: Mode = "safe") -> Sender:
    """Return the account in whose name WeChat pushes."""
    return Sender(appid=APPID, token=TOKEN, aes_key=AES_KEY, gh_id="gh_1", mode=mode)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What all processes of one bot share. `broken` names a deliberate fault (bench/faults/broken.py)."""

    folder: Path
    database: str
    redis: str = ""
    mode: Mode = "safe"
    deadline: float = 3.0
    api: str = "http://127.0.0.1:9"
    more: str = ""
    broken: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def spool(self) -> Path:
        """The folder that keeps events without a database."""
        return self.folder / "var" / "spool"

    def write(self) -> None:
        """Write the configuration into the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = _CONFIG.format(
            database=self.database,
            redis=self.redis,
            backend="redis" if self.redis else "sqlite",
            deadline=self.deadline,
            appid=APPID,
            token=TOKEN,
            aes_key=AES_KEY,
            mode=self.mode,
            api=self.api,
            more=self.more,
        )
        (self.folder / "config.toml").write_text(config)

    def wxbot(self, *arguments: str) -> list[str]:
        """Return a wxbot command, broken where this setup is."""
        if not self.broken:
            return [sys.executable, "-m", "wxbot", *arguments]
        return [sys.executable, "-c", _BROKEN_COMMAND.format(broken=self.broken), *arguments]

    def gunicorn_settings(self) -> Path:
        """Return gunicorn's settings as shipped, broken where this setup is."""
        file = self.folder / "gunicorn.conf.py"
        file.write_text(_SETTINGS.format(settings=str(shipped_settings()), broken=self.broken))
        return file

    def child_environment(self) -> dict[str, str]:
        """Return the environment of the bot's processes: ours, without settings of wxbot."""
        return {key: value for key, value in os.environ.items() if not key.startswith("WXBOT_")} | dict(
            self.environment
        )


class Program:
    """One program of the bot in a process group of its own, so that all of it can be ended."""

    def __init__(self, setup: Setup, command: Sequence[str], *, log: str) -> None:
        self.setup = setup
        self.command = list(command)
        self.log = setup.folder / log
        self.process: subprocess.Popen[bytes] | None = None
        self._groups: list[int] = []
        self._handed: tuple[int, ...] = ()

    @property
    def pid(self) -> int:
        """The process id of the program itself."""
        assert self.process is not None, "it was not started"
        return self.process.pid

    def start(self) -> None:
        """Start it, also when it has run before."""
        folder = self.log.with_suffix(".counts")
        folder.mkdir(exist_ok=True)
        counts = {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.setup.folder,
                env=self.setup.child_environment() | counts,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self._handed,
            )
        self._groups.append(self.process.pid)

    def has_ended(self) -> bool:
        """Say whether it runs no longer."""
        return self.process is not None and self.process.poll() is not None

    def start_if_ended(self) -> bool:
        """Start it again, as a service manager does; say whether it was necessary."""
        if self.has_ended():
            self.start()
            return True
        return False

    def children(self) -> list[int]:
        """Return the processes that it has started and that still run."""
        return children(self.pid)

    def kill(self, *, group: bool = False) -> None:
        """End it with SIGKILL, alone or with all that it has started."""
        if group:
            kill_group(self.pid)
        else:
            os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def stop_process(self, number: int, seconds: float = 20) -> None:
        """Ask it to end and wait until it has."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)

    def stop(self, seconds: float = 20) -> None:
        """End it as a service manager does: TERM, and SIGKILL for what is left of every group it had."""
        self.stop_process(signal.SIGTERM, seconds)
        for group in self._groups:
            kill_group(group)
        if self.process is not None:
            self.process.wait()

    def tail(self) -> str:
        """Return the end of what it has written."""
        return self.log.read_text(errors="replace")[-6000:] if self.log.exists() else ""


class Web(Program):
    """gunicorn with the settings that wxbot ships, on a socket that outlives it as systemd's do."""

    def __init__(
        self, setup: Setup, *, workers: int = 2, wrap: Callable[[list[str]], list[str]] = list
    ) -> None:
        self.workers = workers
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port: int = self.listener.getsockname()[1]
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", str(setup.gunicorn_settings())]
        gunicorn += ["-w", str(workers), "wxbot.app:create_app()"]
        # The socket has to be number 3, and LISTEN_PID that of the very process.
        script = f'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@" 3<&{self.listener.fileno()}'
        command = wrap(["bash", "-c", script, "bash", *gunicorn])
        super().__init__(setup, command, log=f"web-{self.port}.log")
        self._handed = (self.listener.fileno(),)

    def stop(self, seconds: float = 20) -> None:
        """End it and close its socket."""
        super().stop(seconds)
        self.listener.close()

    def wait_until_ready(self) -> None:
        """Wait until it can answer scans."""
        give_up_at = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            if self.has_ended():
                raise RuntimeError(f"gunicorn has ended: {self.tail()[-1500:]}")
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"gunicorn does not get ready: {self.tail()}")
            time.sleep(0.05)

    def succeed(self) -> None:
        """Start a successor on the same socket and, as soon as it answers, end the former in good order."""
        former = self.process
        assert former is not None
        self.start()
        give_up_at = time.monotonic() + READY_SECONDS
        while not any(is_serving(pid) for pid in self.children()):
            if self.has_ended() or time.monotonic() > give_up_at:
                raise RuntimeError(f"the successor does not answer: {self.tail()[-1500:]}")
            time.sleep(0.05)
        former.send_signal(signal.SIGTERM)
        former.wait(READY_SECONDS)

    def is_ready(self) -> bool:
        """Say whether /readyz answers 200."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False


class JobWorker(Program):
    """`wxbot worker`."""

    def __init__(self, setup: Setup, *, name: str = "worker") -> None:
        super().__init__(setup, setup.wxbot("worker"), log=f"{name}.log")


def free_port() -> int:
    """Return a port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> list[int]:
    """Return the children of a process, from the kernel's own list."""
    try:
        lists = list(Path(f"/proc/{pid}/task").glob("*/children"))
        return [int(child) for each in lists for child in each.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_serving(pid: int) -> bool:
    """Say whether a gunicorn worker has begun to answer: a thread is started for the first request."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(status.partition("Threads:")[2].split()[0]) > 1


def kill_group(group: int) -> None:
    """End whatever is left of a process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
