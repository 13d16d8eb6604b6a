"""Where a run takes place: a folder on a disk, not in memory, and servers of databases beside it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.speed.extras import ROOT, MissingError

# What a server's tools end with that fail, are not there, or want a user whom this machine does not have.
_NO_SERVER = (subprocess.SubprocessError, AssertionError, OSError, KeyError)


class Ground:
    """One folder; servers start when they are asked for first. `environment` is for all processes."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.environment = dict(environment or {})
        parent = runs_folder()
        # Servers of databases run as users of their own, who may not reach a checkout.
        is_reachable = all(each.stat().st_mode & 1 for each in (parent, *parent.resolve().parents))
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent if is_reachable else "/var/tmp"))
        self.folder.chmod(0o755)
        self._stack = ExitStack()
        self._servers: dict[str, Any] = {}
        self._databases = 0

    def __enter__(self) -> "Ground":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self, store: str, folder: Path) -> str:
        """Return the address of an empty database; raises MissingError where there is no such server."""
        if store == "sqlite":
            return f"sqlite:///{folder / 'bench.db'}"
        server = self._server(store)
        self._databases += 1
        name = f"bench_{self._databases}"
        server.execute(f"CREATE DATABASE {name}")
        return str(server.url(name))

    def server_processes(self, store: str) -> list[int]:
        """Return the processes of a store's server; none for SQLite."""
        return list(self._servers[store].processes()) if store in self._servers else []

    def _server(self, store: str) -> Any:
        if store not in self._servers:
            try:
                from tests.services import SERVERS  # noqa: PLC0415  (needs what only tests need)
            except ImportError as missing:
                raise MissingError(f"needs {missing.name}: install deploy/requirements-dev.txt") from None
            if reason := SERVERS[store].missing():
                raise MissingError(reason)
            try:
                with _environment(self.environment):
                    server = SERVERS[store](self.folder)
            except _NO_SERVER as error:
                raise MissingError(f"{store} cannot be started: {error!r:.300}") from error
            self._servers[store] = self._stack.enter_context(server)
        return self._servers[store]


def runs_folder() -> Path:
    """Return the folder for databases that are measured: in the checkout, so on a disk and not in memory."""
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """Let processes that are started meanwhile have more variables."""
    former = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)
