"""The stores on which the harnesses run, and bots that leave nothing behind."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from bench.faults import figures, oracle
from bench.faults.api import FakeApi
from bench.faults.processes import JobWorker, Program, Setup, Web
from tests import services
from wxbot.db import migrate


@dataclass
class Ground:
    """A folder and a database, the bot's setup on them, and everything that was started."""

    setup: Setup
    engine: Engine
    programs: list[Program] = field(default_factory=list)

    def web(self, *, workers: int = 2, wrap: Callable[[list[str]], list[str]] = list) -> Web:
        """Start gunicorn, wrapped in another program if need be, and wait until it answers."""
        return self.webs(1, workers=workers, wrap=wrap)[0]

    def webs(
        self, count: int, *, workers: int = 1, wrap: Callable[[list[str]], list[str]] = list
    ) -> list[Web]:
        """Start several web nodes at the same time, and wait until all of them answer."""
        webs = [Web(self.setup, workers=workers, wrap=wrap) for _ in range(count)]
        self.programs += webs
        for web in webs:
            web.start()
        for web in webs:
            web.wait_until_ready()
        return webs

    def worker(self, name: str = "worker") -> JobWorker:
        """Start a worker for jobs."""
        worker = JobWorker(self.setup, name=name)
        self.programs.append(worker)
        worker.start()
        return worker

    def settle_down(self, *, seconds: float = 300 if figures.IS_LONG else 120) -> None:
        """Let workers finish what is open: lost runs, spooled events, jobs. Then end all programs."""
        workers = [program for program in self.programs if isinstance(program, JobWorker)]
        if not workers:
            workers = [self.worker("last-worker")]
        give_up_at = time.monotonic() + seconds
        while (left := self.unfinished()) and time.monotonic() < give_up_at:
            self.revive_workers()
            time.sleep(0.2)
        self.stop()
        assert not left, f"after {seconds} s there are still {left}: {workers[-1].tail()[-2000:]}"

    def revive_workers(self) -> None:
        """Start workers again that were killed."""
        for program in self.programs:
            if isinstance(program, JobWorker) and program.start_if_ended() and not figures.IS_LONG:
                self.hasten()

    def hasten(self) -> None:
        """Let leases end now, and let the next sweep find what the queue has lost, to save time.

        Whoever holds one of them is dead, or will find that it is somebody else's.
        """
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE events SET lease_until = 0 WHERE lease_until > 0"))
            connection.execute(text("UPDATE jobs SET lease_until = 0 WHERE lease_until > 0"))
            connection.execute(
                text("UPDATE jobs SET dispatched_at = NULL WHERE state IN ('waiting', 'running')")
            )

    def stop(self, seconds: float = 0) -> None:
        """End all programs, at once unless they are given time."""
        for program in self.programs:
            program.stop(seconds)

    def unfinished(self) -> str:
        """Say what is not finished yet."""
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT count(*) FROM events WHERE state <> 'done'")).scalar_one()
            jobs = connection.execute(
                text("SELECT count(*) FROM jobs WHERE state IN ('waiting', 'running')")
            ).scalar_one()
        found = {"rows": rows, "jobs": jobs, "spooled files": self.spooled()}
        return ", ".join(f"{number} {what}" for what, number in found.items() if number)

    def spooled(self) -> int:
        """Count the files of the spool that wait for import."""
        found = 0
        for file in self.setup.spool.glob("*.jsonl"):
            with suppress(FileNotFoundError):  # imported meanwhile
                found += "damaged" not in file.name and file.stat().st_size > 0
        return found


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Return an API of WeChat's that does what it is told."""
    server = FakeApi()
    yield server
    server.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for bots: in memory for the short form, as the disk is busy with other tests.

    A killed process takes nothing along that it has written, on a disk or not. Logs stay in pytest's folder.
    """
    memory = Path("/dev/shm")
    if figures.IS_LONG or not os.access(memory, os.W_OK):
        yield tmp_path
        return
    # A name that tests/services.py clears away, should these tests be killed.
    folder = Path(tempfile.mkdtemp(prefix=f"wxbot-test-{os.getpid()}-", dir=memory))
    yield folder
    for log in folder.rglob("*.log"):
        shutil.copy(log, tmp_path)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def prepare(place: Path, api: FakeApi) -> Iterator[Callable[..., Ground]]:
    """Return a function that prepares a bot's folder and database."""
    grounds: list[Ground] = []

    def make(*, database: str = "", **options: object) -> Ground:
        folder = place / f"bot{len(grounds)}"
        url = database or services.fresh_database_url(folder)
        migrate.upgrade(url)
        setup = Setup(folder=folder, database=url, api=api.url, **options)  # type: ignore[arg-type]
        setup.write()
        engine = create_engine(url, pool_pre_ping=True)
        oracle.create_effects(engine)
        grounds.append(Ground(setup, engine))
        return grounds[-1]

    yield make
    for ground in grounds:
        ground.stop()
        ground.engine.dispose()
