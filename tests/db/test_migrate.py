"""Migrations run by themselves, once, also when several processes start together."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, make_url, select, text
from sqlalchemy.pool import NullPool

from tests import services
from tests.services import fresh_database_url
from wxbot.db import migrate, models
from wxbot.db.engine import new_engine, open_engine
from wxbot.db.fit import Fit
from wxbot.db.guard import guarded
from wxbot.errors import ConfigurationError, WxbotError

TABLES = {"events", "signatures", "followers"}


def test_six_processes_starting_at_once_migrate_once(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path / "new", migrated=False)
    program = f"from wxbot.db import migrate; migrate.upgrade({url!r})"

    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(6)]
    codes = [process.wait(timeout=50) for process in processes]

    engine = open_engine(url)
    assert codes == [0] * 6
    assert migrate.current(engine) == migrate.head()
    assert set(inspect(engine).get_table_names()) >= TABLES
    engine.dispose()


def test_a_start_waits_for_nobody_where_there_is_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh_database_url(tmp_path)
    frozen = new_engine(url, poolclass=NullPool)
    with frozen.connect() as connection, connection.begin():
        migrate._queue(connection)
        monkeypatch.setattr(migrate, "WAIT_SECONDS", 1)

        migrate.upgrade(url)


@pytest.mark.mariadb_only
def test_a_migration_that_takes_another_process_long_is_no_fault_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh_database_url(tmp_path, migrated=False)
    with new_engine(url, poolclass=NullPool).connect() as connection, connection.begin():
        migrate._queue(connection)
        monkeypatch.setattr(migrate, "WAIT_SECONDS", 1)

        with pytest.raises(WxbotError, match="try again later") as caught:
            migrate.upgrade(url)

    assert not isinstance(caught.value, ConfigurationError)  # after which nobody would try again


@pytest.mark.sqlite_only
def test_records_survive_a_power_cut_by_configuration(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'wxbot.db'}"
    migrate.upgrade(url)

    engine = open_engine(url)
    with engine.connect() as connection:
        journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
    engine.dispose()

    assert (journal, synchronous) == ("wal", 2)  # 2: FULL


def test_database_of_another_version_is_refused(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path)
    migrate.downgrade(url, revision="base")

    engine = open_engine(url)
    with pytest.raises(ConfigurationError, match="wxbot db upgrade"):
        migrate.require_fit(engine)
    assert not set(inspect(engine).get_table_names()) & TABLES
    engine.dispose()


def move_on(url: str, *, oldest: str) -> Engine:
    """Let a newer wxbot have been at the database; programs from `oldest` on can use it."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9998'"))
        connection.execute(text("UPDATE compatibility SET oldest = :oldest"), {"oldest": oldest})
    return engine


def test_machines_that_are_not_upgraded_yet_can_start(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path)
    engine = move_on(url, oldest=migrate.head())

    migrate.upgrade(url)
    migrate.require_fit(engine)

    assert migrate.fit(engine) is Fit.NEWER
    assert migrate.current(engine) == "9998"
    engine.dispose()


def test_database_that_lost_what_we_need_is_refused(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path)
    engine = move_on(url, oldest="9997")

    for step in (lambda: migrate.upgrade(url), lambda: migrate.require_fit(engine)):
        with pytest.raises(ConfigurationError, match="revision 9998, which a newer wxbot has made"):
            step()
    engine.dispose()


def differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, models.metadata))


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_every_database_gets_the_tables_of_the_code_and_loses_them_again(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path, migrated=False)
    engine = open_engine(url)

    migrate.upgrade(url)
    assert differences(engine) == []
    migrate.downgrade(url, revision="base")
    assert tables(engine) == set()
    migrate.upgrade(url)
    assert tables(engine) == set(models.metadata.tables)
    engine.dispose()


def test_numbers_outlive_the_way_down_and_up(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path)
    engine = open_engine(url)
    row = {"account": "default", "state": "taken", "purpose": "shelf", "taken_at": 1}
    with engine.begin() as connection:
        rows = [{**row, "number": 1, "owner": "shop"}, {**row, "number": 2, "owner": "店" * 128}]
        connection.execute(insert(models.permanent_numbers), rows)

    migrate.downgrade(url, revision="0012")
    migrate.upgrade(url)

    with engine.connect() as connection:
        owners = connection.execute(select(models.permanent_numbers.c.owner)).scalars().all()
    engine.dispose()
    assert sorted(owners) == ["shop", "店" * 64]


@pytest.mark.mariadb_only
def test_an_upgrade_that_was_killed_half_way_is_finished(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path, migrated=False)
    migrate.upgrade(url)
    engine = open_engine(url)
    with engine.begin() as connection:
        # As far as 0003 had come, and nothing written about it.
        connection.execute(text("DROP TABLE schedules"))
        connection.execute(text("ALTER TABLE followers DROP COLUMN kept_messages"))
        connection.execute(text("DROP INDEX ix_jobs_person ON jobs"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))

    migrate.upgrade(url)
    assert differences(engine) == []

    with engine.begin() as connection:
        connection.execute(text("DROP TABLE heartbeats"))
        connection.execute(text("DROP INDEX ix_events_lease_until ON events"))
    migrate.downgrade(url, revision="0002")
    assert "messages_sent" not in {column["name"] for column in inspect(engine).get_columns("events")}
    engine.dispose()


@pytest.mark.mariadb_only
def test_mysql_tells_all_texts_apart(tmp_path: Path) -> None:
    engine = open_engine(fresh_database_url(tmp_path))
    query = text(
        "SELECT table_name, engine, table_collation FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name <> 'alembic_version'"
    )
    with engine.connect() as connection:
        found = {row[1:] for row in connection.execute(query)}
    engine.dispose()

    assert found == {("InnoDB", "utf8mb4_bin")}


@pytest.mark.servers_only
def test_a_table_is_changed_when_its_readers_have_gone(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path)
    engine = open_engine(url)
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM events")).scalar_one()
        timer = threading.Timer(2.5, guarded(reader).rollback)
        timer.start()
        migrate.downgrade(url, revision="0002")
        timer.join()

    assert migrate.current(engine) == "0002"
    engine.dispose()


@pytest.mark.postgresql_only
def test_a_postgresql_that_forgets_is_refused(tmp_path: Path, store: str) -> None:
    url = fresh_database_url(tmp_path, migrated=False)
    services.server_of(store).execute(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = off")

    with pytest.raises(ConfigurationError, match="because synchronous_commit is off"):
        migrate.upgrade(url)
    assert not tables(new_engine(url, poolclass=NullPool))


@pytest.mark.mariadb_only
def test_a_mysql_that_forgets_is_refused(store: str) -> None:
    with services.SERVERS[store]() as server:
        server.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2")

        with pytest.raises(ConfigurationError, match="innodb_flush_log_at_trx_commit"):
            migrate.upgrade(server.url())
