"""On a server nothing waits without end, a hung handler holds nothing, and nothing half done is kept."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Engine, TextClause, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from tests import services
from tests.services import Database
from wxbot.db import direct
from wxbot.db.engine import open_engine
from wxbot.db.faults import is_busy, is_disconnect
from wxbot.db.guard import be_patient
from wxbot.db.patience import patiently
from wxbot.db.session import UnitOfWork

pytestmark = pytest.mark.servers_only

WRITE = text("INSERT INTO notes VALUES (:word)")
CHANGE = text("UPDATE notes SET word = :new WHERE word = :old")
SLEEP = {"postgresql": text("SELECT pg_sleep(60)"), "mariadb": text("SELECT SLEEP(60)")}


@pytest.fixture
def own_server(store: str) -> Iterator[Database]:
    """Return a server that may be stopped and paused."""
    with services.SERVERS[store]() as server:
        yield server


@pytest.fixture
def own_engine(own_server: Database) -> Iterator[Engine]:
    engine = open_engine(own_server.url())
    yield engine
    engine.dispose()


def write(engine: Engine, *words: str) -> None:
    with engine.begin() as connection:
        for word in words:
            connection.execute(WRITE, {"word": word})


def words(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT word FROM notes")).scalars())


def test_a_lock_is_waited_for_no_longer_than_a_second(engine: Engine) -> None:
    write(engine, "held")
    with engine.connect() as holder, engine.connect() as other:
        holder.execute(CHANGE, {"old": "held", "new": "changed"})

        started = time.monotonic()
        with pytest.raises(OperationalError) as caught:
            other.execute(CHANGE, {"old": "held", "new": "mine"})

    assert is_busy(caught.value) and not is_disconnect(caught.value)
    assert 0.5 < time.monotonic() - started < 8


@pytest.mark.mariadb_only  # PostgreSQL ends the transaction instead
def test_server_ends_what_is_idle_for_longer_than_the_pool_keeps_it(engine: Engine) -> None:
    with engine.connect() as connection:
        seconds = connection.execute(text("SELECT @@SESSION.wait_timeout")).scalar_one()

    assert engine.pool._recycle < seconds < 3600


def test_a_transaction_sees_what_others_commit_meanwhile(engine: Engine) -> None:
    with engine.connect() as connection:
        before = connection.execute(text("SELECT count(*) FROM notes")).scalar_one()
        write(engine, "another's")
        after = connection.execute(text("SELECT count(*) FROM notes")).scalar_one()

    assert (before, after) == (0, 1)


def test_the_row_count_is_of_rows_that_were_found(engine: Engine) -> None:
    write(engine, "same")
    with engine.begin() as connection:
        assert connection.execute(CHANGE, {"old": "same", "new": "same"}).rowcount == 1


class Hung:
    """A handler that has written and does not return; it ends when it is told, or when it is made to."""

    def __init__(self, unit: UnitOfWork, sleep: TextClause | None) -> None:
        self.errors: list[SQLAlchemyError] = []
        self.is_over = threading.Event()
        self._unit, self._sleep = unit, sleep
        self._hangs = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._hangs.wait(10)
        time.sleep(0.2)

    def end(self) -> None:
        """Let it go on, and wait until it is done."""
        self.is_over.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        self._unit.session().execute(CHANGE, {"old": "contended", "new": "never"})
        self._hangs.set()
        for step in (self._hang, lambda: self._unit.commit(lambda _: True)):
            try:
                step()
            except SQLAlchemyError as error:
                self.errors.append(error)
        self._unit.close()

    def _hang(self) -> None:
        if self._sleep is not None:
            self._unit.session().execute(self._sleep)
        self.is_over.wait(30)
        self._unit.session().execute(WRITE, {"word": "never either"})


@pytest.mark.parametrize("place", ["python", "database"])
def test_a_hung_handler_loses_its_locks(engine: Engine, store: str, place: str) -> None:
    write(engine, "contended")
    unit = UnitOfWork(engine)
    hung = Hung(unit, SLEEP[store] if place == "database" else None)

    unit.abandon()
    change = {"old": "contended", "new": "free"}
    assert patiently(engine, lambda connection: connection.execute(CHANGE, change).rowcount, seconds=8) == 1
    hung.end()

    assert len(hung.errors) == 2
    assert words(engine) == {"free"}
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_deadlock_does_not_keep_one_half_of_the_work(engine: Engine) -> None:
    write(engine, "one", "two")
    both_hold = threading.Barrier(2)

    def handle(name: str, first: str, second: str) -> None:
        unit = UnitOfWork(engine)
        session = unit.session()
        session.execute(WRITE, {"word": f"{name} before"})
        session.execute(CHANGE, {"old": first, "new": first})
        session.commit()
        both_hold.wait(10)
        try:
            session.execute(CHANGE, {"old": second, "new": second})
        except DBAPIError:  # a careless handler goes on
            with suppress(SQLAlchemyError):
                session.rollback()
        with suppress(SQLAlchemyError):
            session.execute(WRITE, {"word": f"{name} after"})
            unit.commit(lambda _: True)
        unit.close()

    orders = [("a", "one", "two"), ("b", "two", "one")]
    threads = [threading.Thread(target=handle, args=order) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    kept = words(engine)
    assert ("a before" in kept) == ("a after" in kept)
    assert ("b before" in kept) == ("b after" in kept)
    assert {"a after", "b after"} & kept


def test_a_server_that_hangs_is_given_up(own_server: Database, own_engine: Engine) -> None:
    with own_engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        be_patient(connection, 0.5)
        own_server.pause()
        started = time.monotonic()
        with pytest.raises(OperationalError) as hung:
            connection.execute(text("SELECT 2"))
        with pytest.raises(OperationalError) as unreachable:
            own_engine.connect()
        seconds = time.monotonic() - started
        own_server.resume()

    assert is_disconnect(hung.value) and is_disconnect(unreachable.value)
    assert 2 < seconds < 9
    with own_engine.connect() as connection:
        assert connection.execute(text("SELECT 3")).scalar_one() == 3


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_server_that_was_started_again_is_used_again(
    own_server: Database, own_engine: Engine, ending: str
) -> None:
    with own_engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    getattr(own_server, ending)()
    with pytest.raises(OperationalError) as broken, own_engine.connect() as connection:
        connection.execute(text("SELECT 2"))
    with pytest.raises(OperationalError) as gone:
        own_engine.connect()
    own_server.start()

    assert is_disconnect(broken.value) and is_disconnect(gone.value)
    assert not is_busy(broken.value) and not is_busy(gone.value)
    with own_engine.connect() as connection:
        assert connection.execute(text("SELECT 3")).scalar_one() == 3


@pytest.mark.mariadb_only
def test_the_pool_asks_for_no_rollback_of_what_is_committed(engine: Engine) -> None:
    count = text("SHOW SESSION STATUS LIKE 'Com_rollback'")
    with engine.connect() as connection:
        before = int(connection.execute(count).one()[1])
    for _ in range(3):
        write(engine, "kept")
    with engine.connect() as connection:
        after = int(connection.execute(count).one()[1])

    assert after - before == 1  # of the one that asked for the count


@pytest.mark.mariadb_only
@pytest.mark.parametrize("ending", ["a read", "a refused write", "a write that is dropped"])
def test_what_is_not_committed_is_rolled_back_also_after_a_commit(engine: Engine, ending: str) -> None:
    statements = {
        "a read": "SELECT word FROM notes",
        "a refused write": "INSERT INTO notes VALUES ('held')",
        "a write that is dropped": "UPDATE notes SET word = 'dropped'",
    }
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE notes MODIFY word VARCHAR(9) PRIMARY KEY"))
    write(engine, "held")
    with suppress(IntegrityError), engine.connect() as connection:
        direct.run(connection, text(statements[ending]), {})

    # The first is the one that came back last: no lock of it keeps the other waiting.
    with engine.connect(), engine.connect() as another:
        another.execute(text("DELETE FROM notes WHERE word = 'held'"))
        another.execute(text("ALTER TABLE notes ADD COLUMN more TEXT"))
    assert words(engine) == set()


def test_connections_are_not_shared_with_a_forked_process(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    program = f"""
import os
from sqlalchemy import text
from wxbot.db.engine import open_engine

engine = open_engine({url!r})
number = text("SELECT {"pg_backend_pid()" if "postgres" in url else "connection_id()"}")
with engine.connect() as connection:
    mine = connection.execute(number).scalar_one()
if os.fork() == 0:
    with engine.connect() as connection:
        os._exit(connection.execute(number).scalar_one() == mine)
code = os.waitstatus_to_exitcode(os.wait()[1])
with engine.connect() as connection:
    assert connection.execute(number).scalar_one() == mine
raise SystemExit(code)
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)

    assert done.returncode == 0
