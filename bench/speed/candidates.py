"""What is measured, and how each is started: two processes, the same number of threads, else as it comes."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bench.speed import extras
from bench.speed.pushes import AES_KEY, APPID, TOKEN
from wxbot.cli.serve import shipped_settings
from wxbot.db import migrate
from wxbot.emulator.wire import Mode

_HERE = Path(__file__).parent
_PLAIN_GUNICORN = str(_HERE / "apps" / "gunicorn.conf.py")
_CONFIG = """
secret_key = "the secret key of the benchmark, long enough for it"
database.url = "{database}"
handlers.packages = ["bench.speed.handlers"]
[accounts.default]
appid = "{appid}"
secret = "secret"
token = "{token}"
aes_key = "{aes_key}"
mode = "{mode}"
api_base = "http://127.0.0.1:9"
"""

Store = Literal["", "sqlite", "postgresql", "mariadb"]
STORE_NAMES = {"": "nothing", "sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}


@dataclass(frozen=True)
class Place:
    """What one candidate is given: a folder, a port, and the address of its database if it has one."""

    folder: Path
    port: int
    database: str
    mode: Mode


@dataclass(frozen=True)
class Start:
    """How a candidate is started, with what besides the common environment."""

    command: Sequence[str]
    environment: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One thing that answers scans. `table` holds one row for each scan it has answered."""

    program: str
    start: Callable[[Place], Start]
    mode: Mode = "plain"
    store: Store = ""
    path: str = "/wechat"
    table: str = ""
    is_constant: bool = False
    is_short: bool = True

    @property
    def name(self) -> str:
        """What the tables call it."""
        store = f", {STORE_NAMES[self.store]}" if self.table else ""
        return f"{self.program}{store}{', safe' if self.mode == 'safe' else ''}"

    @property
    def is_ours(self) -> bool:
        """Whether this is wxbot, of which a wrong answer ends the run."""
        return self.program.startswith(WXBOT)

    def recorded(self, database: str) -> int | None:
        """Return how many scans are on record, None where nothing is recorded."""
        if not self.table:
            return None
        engine = create_engine(database, poolclass=NullPool)
        with engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {self.table}")).scalar_one())


def _environment(place: Place) -> dict[str, str]:
    return {
        "BENCH_TOKEN": TOKEN,
        "BENCH_APPID": APPID,
        "BENCH_AES_KEY": AES_KEY,
        "BENCH_DATABASE": place.database,
        "BENCH_PORT": str(place.port),
    }


def _gunicorn(app: str) -> Callable[[Place], Start]:
    def start(place: Place) -> Start:
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", _PLAIN_GUNICORN]
        return Start([*gunicorn, "--bind", f"127.0.0.1:{place.port}", app], _environment(place))

    return start


def _textbook_tuned(place: Place) -> Start:
    """Start the textbook as wxbot is started, to tell what of a ratio is the server's."""
    # Otherwise they would check a bot's configuration, which it has not.
    environment = {"WXBOT_BIND": f"127.0.0.1:{place.port}", "WXBOT_CHECKED": "1"}
    settings = ["-c", str(shipped_settings()), "bench.speed.apps.textbook:app"]
    return Start([sys.executable, "-m", "gunicorn", *settings], _environment(place) | environment)


def _naive(place: Place) -> Start:
    started = _gunicorn("bench.speed.apps.naive:app")(place)
    make = "from bench.speed.apps.naive import Base, engine; Base.metadata.create_all(engine)"
    environment = os.environ | started.environment
    command = [sys.executable, "-c", make]
    done = subprocess.run(
        command, env=environment, cwd=place.folder, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise extras.MissingError(f"its table cannot be made: {' '.join(done.stderr.split())[-300:]}")
    return started


def _werobot(place: Place) -> Start:
    python = str(extras.werobot())
    gunicorn = [python, "-m", "gunicorn", "-c", _PLAIN_GUNICORN, "--pythonpath", str(_HERE / "apps")]
    # All threads of a process would use the one connection to SQLite that keeps its sessions, and hang.
    gunicorn += ["--worker-class", "sync", "--threads", "1"]
    environment = _environment(place)
    return Start([*gunicorn, "--bind", f"127.0.0.1:{place.port}", "werobot_app:app"], environment)


def _node(program: str) -> Callable[[Place], Start]:
    def start(place: Place) -> Start:
        environment = _environment(place) | {"NODE_PATH": str(extras.node()), "NODE_ENV": "production"}
        return Start(["node", str(_HERE / "node" / f"{program}.js")], environment)

    return start


def _configured(place: Place) -> dict[str, str]:
    """Write wxbot's configuration and migrate, as `wxbot db upgrade` does."""
    migrate.upgrade(place.database)
    database = place.database.replace("\\", "\\\\").replace('"', '\\"')
    config = _CONFIG.format(database=database, appid=APPID, token=TOKEN, aes_key=AES_KEY, mode=place.mode)
    (place.folder / "config.toml").write_text(config)
    return {"WXBOT_BIND": f"127.0.0.1:{place.port}"}


def _wxbot(place: Place) -> Start:
    settings = ["-c", str(shipped_settings()), "wxbot.app:create_app()"]
    return Start([sys.executable, "-m", "gunicorn", *settings], _configured(place))


def _wxbot_preloaded(place: Place) -> Start:
    started = _wxbot(place)
    return Start([*started.command, "--preload"], started.environment)


def _wxbot_fast(place: Place) -> Start:
    started = _wxbot(place)
    environment = {**started.environment, "PYTHONPATH": str(extras.servers())}
    return Start([*started.command, "--http-parser", "fast"], environment)


def _wxbot_granian(place: Place) -> Start:
    counts = place.folder / "counts"
    counts.mkdir(exist_ok=True)
    environment = _configured(place) | {"PROMETHEUS_MULTIPROC_DIR": str(counts)}
    return Start(_granian("wxbot.app:create_app", place, "--factory"), environment | _with_servers())


def _textbook_granian(place: Place) -> Start:
    return Start(_granian("bench.speed.apps.textbook:app", place), _environment(place) | _with_servers())


def _with_servers() -> dict[str, str]:
    return {"PYTHONPATH": str(extras.servers())}


def _granian(app: str, place: Place, *more: str) -> list[str]:
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "2"]
    threads = ["--blocking-threads", "32", "--backlog", "2048"]
    return [*granian, *threads, "--host", "127.0.0.1", "--port", str(place.port), *more, app]


def _both(program: str, start: Callable[[Place], Start], *, is_short: bool = True) -> list[Candidate]:
    return [
        Candidate(program=program, start=start, mode="plain", is_short=is_short),
        Candidate(program=program, start=start, mode="safe", is_short=False),
    ]


def _recording(
    program: str, start: Callable[[Place], Start], table: str, short: Sequence[tuple[Mode, Store]]
) -> list[Candidate]:
    stores: tuple[Store, ...] = ("sqlite", "postgresql", "mariadb")
    modes: tuple[Mode, ...] = ("plain", "safe")
    return [
        Candidate(
            program=program, start=start, mode=mode, store=store, table=table, is_short=(mode, store) in short
        )
        for store in stores
        for mode in modes
    ]


BARE = "bare WSGI"
TEXTBOOK = "textbook"
TEXTBOOK_TUNED = "textbook, wxbot's gunicorn"
NAIVE = "naive durable"
WEROBOT = "WeRoBot"
WXBOT = "wxbot"
WXBOT_PRELOADED = "wxbot, preloaded"
WXBOT_FAST = "wxbot, parser in C"
WXBOT_GRANIAN = "wxbot under Granian"
WECHAT = "node wechat"
CO_WECHAT = "node co-wechat"

# Those whose start and whose memory have a floor.
SHIPPED = f"{WXBOT}, SQLite"
PRELOADED = f"{WXBOT_PRELOADED}, SQLite"

_plain_everywhere: list[tuple[Mode, Store]] = [
    ("plain", "sqlite"),
    ("plain", "postgresql"),
    ("plain", "mariadb"),
]
CANDIDATES: tuple[Candidate, ...] = (
    Candidate(program=BARE, start=_gunicorn("bench.speed.apps.bare:app"), is_constant=True),
    Candidate(program="constant Flask", start=_gunicorn("bench.speed.apps.constant:app"), is_constant=True),
    Candidate(program=TEXTBOOK, start=_gunicorn("bench.speed.apps.textbook:app")),
    Candidate(program=TEXTBOOK, start=_gunicorn("bench.speed.apps.textbook:app"), mode="safe"),
    *_both(TEXTBOOK_TUNED, _textbook_tuned),
    *_both("textbook under Granian", _textbook_granian, is_short=False),
    *_recording(NAIVE, _naive, "scans", _plain_everywhere),
    *_both(WEROBOT, _werobot),
    *_both(WECHAT, _node("wechat")),
    *_both(CO_WECHAT, _node("co-wechat")),
    *_recording(WXBOT, _wxbot, "events", [*_plain_everywhere, ("safe", "sqlite")]),
    *[
        each
        for each in (
            *_recording(WXBOT_PRELOADED, _wxbot_preloaded, "events", [("plain", "sqlite")]),
            *_recording(WXBOT_FAST, _wxbot_fast, "events", [("plain", "sqlite")]),
            *_recording(WXBOT_GRANIAN, _wxbot_granian, "events", [("plain", "sqlite")]),
        )
        if each.store != "mariadb"
    ],
)
