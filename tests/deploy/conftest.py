"""nginx with the shipped files before two web servers and a worker, on PostgreSQL and Redis."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from bench.faults import oracle
from bench.faults.api import FakeApi
from bench.faults.processes import Program, Setup, Web
from tests import services
from tests.deploy import shipped
from tests.deploy.nginx import Nginx


class Node(Program):
    """One web server as compose starts it, on an address of its own."""

    def __init__(self, setup: Setup, command: list[str], port: int) -> None:
        super().__init__(setup, command, log=f"web-{port}.log")
        self.port = port

    is_ready = Web.is_ready
    wait_until_ready = Web.wait_until_ready

    def come_back(self) -> None:
        """Start anew, and wait until it answers."""
        self.start()
        self.wait_until_ready()


@dataclass
class Machines:
    """All of it: two web servers, a worker, what they stand on and what stands before them."""

    nodes: list[Node]
    worker: Program
    nginx: Nginx
    api: FakeApi
    engine: Engine

    def run(self, *arguments: str) -> str:
        """Run a wxbot command as in the container of the first web server; return what it prints."""
        node = self.nodes[0]
        done = subprocess.run(
            shipped.command(["wxbot", *arguments]),
            cwd=node.setup.folder,
            env=node.setup.child_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Start everything that compose.yaml names, with its commands and its variables."""
    folder = tmp_path_factory.mktemp("machines")
    ports = [services.free_port(), services.free_port()]
    with Nginx(ports) as nginx, services.Redis() as redis, services.on_store("postgresql"):
        api = FakeApi()
        database = services.fresh_database_url(folder, migrated=False)
        setup_of = _environments(folder, database=database, redis=redis.url(), api=api.url)
        _run_migrate(setup_of("migrate"))
        engine = create_engine(database)
        oracle.create_effects(engine)
        nodes = [
            Node(setup_of(name, port), shipped.command(shipped.ours()[name]["command"]), port)
            for name, port in zip(("web1", "web2"), ports, strict=True)
        ]
        command = shipped.command(shipped.ours()["worker"]["command"])
        worker = Program(setup_of("worker"), command, log="worker.log")
        try:
            for program in (*nodes, worker):
                program.start()
            for node in nodes:
                node.wait_until_ready()
            yield Machines(nodes, worker, nginx, api, engine)
        finally:
            for program in (*nodes, worker):
                if program.process is not None:
                    program.kill(group=True)
            engine.dispose()
            api.close()


def _environments(folder: Path, *, database: str, redis: str, api: str) -> Callable[..., Setup]:
    """Write the secrets, and return what makes the setup of one of compose's services."""
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    for name, text in (shipped.SECRETS | {"database-url": database}).items():
        (secrets / name).write_text(f"{text}\n")
    added = {
        "WXBOT_HANDLERS__PACKAGES": "bench.faults.handlers",
        "WXBOT_ACCOUNTS__DEFAULT__API_BASE": api,
        "WXBOT_CALLBACK__DEADLINE_SECONDS": "1.0",
    }

    def setup_of(service: str, port: int = 0) -> Setup:
        places = {
            "/run/secrets/": f"{secrets}/",
            "redis://redis:6379/0": redis,
            "/var/lib/wxbot/": f"{folder}/",
            "0.0.0.0:8000": f"127.0.0.1:{port}",
        }
        return Setup(
            folder=folder, database=database, environment=shipped.environment(service, places) | added
        )

    return setup_of


def _run_migrate(setup: Setup) -> None:
    command = shipped.command(shipped.ours()["migrate"]["command"])
    migrate = Program(setup, command, log="migrate.log")
    migrate.start()
    assert migrate.process is not None and migrate.process.wait(60) == 0, migrate.tail()
