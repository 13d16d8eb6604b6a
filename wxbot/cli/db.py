"""`wxbot db`: the revision of the database, and the way into another one."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import click

from wxbot.cli.output import (
    Failure,
    json_option,
    print_json,
    print_table,
    progress,
    progress_bar,
    warn,
)

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

Answer = TypeVar("Answer")


class OutOfReach(Failure):
    """The database's server does not answer."""


@click.group()
def db() -> None:
    """Look at the database's revision, change it, and move to another database."""


@db.command()
@json_option
def upgrade(*, as_json: bool) -> None:
    """Bring the database to the newest revision.

    Servers do this when they start; run it beforehand to see it succeed.
    """
    from wxbot.db import migrate

    url = _database_url()
    before = _known_revision(url)
    with progress("Upgrading the database"), _explained(url):
        migrate.upgrade(url)
    _report(before, _known_revision(url), as_json=as_json)


@db.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def downgrade(revision: str, *, yes: bool, as_json: bool) -> None:
    """Take the database back to REVISION, as in 0001; `base` removes all tables.

    What the later revisions keep is lost. Make a copy first.
    """
    from wxbot.db import migrate

    # Revisions are numbered in one line, so that everything between the first and the newest exists.
    if revision != "base" and not (
        re.fullmatch("[0-9]{4}", revision) and "0001" <= revision <= migrate.head()
    ):
        raise click.BadParameter(
            f"there is no revision {revision!r}; there are base and 0001 to {migrate.head()}",
            param_hint="REVISION",
        )
    url = _database_url()
    before = _known_revision(url)
    if before is None or ("0000" if revision == "base" else revision) >= before:
        raise Failure(f"the database is at revision {before}; there is nothing to take back")
    if not yes and sys.stdin.isatty():
        click.confirm(
            f"Take the database from revision {before} back to {revision} and lose data?", abort=True
        )
    with progress("Downgrading the database"), _explained(url):
        migrate.downgrade(url, revision=revision)
    _report(before, _known_revision(url), as_json=as_json)


@db.command()
@json_option
def current(*, as_json: bool) -> None:
    """Print the revision the database is at, and the newest that there is."""
    from wxbot.db import migrate

    revision = _revision_of(_database_url())
    if as_json:
        print_json({"revision": revision, "newest": migrate.head()})
    elif revision is None:
        click.echo(f"There is no database yet, or an empty one; the newest revision is {migrate.head()}.")
    else:
        newest = "the newest" if revision == migrate.head() else f"the newest is {migrate.head()}"
        click.echo(f"The database is at revision {revision}; {newest}.")


@db.command("copy")
@click.argument("source")
@json_option
def copy_(source: str, *, as_json: bool) -> None:
    """Copy all rows from the database SOURCE into the configured one, which must be empty.

    SOURCE is a URL as in the configuration, or - to read one with a password from the standard input. Stop
    web servers and workers first. All is copied or nothing, and SOURCE is not changed.
    """
    url = _database_url()
    source = _normal(sys.stdin.readline().strip() if source == "-" else source)
    _require_source(source, url)
    counts, foreign = _copied(source, url)
    if as_json:
        print_json({"rows": counts, "left": foreign})
        return
    filled = {name: count for name, count in counts.items() if count}
    print_table(("table", "rows"), [(name, str(count)) for name, count in filled.items()])
    click.echo(f"{sum(filled.values())} rows of {len(filled)} tables were copied and counted again.")
    if foreign:
        warn(f"Not wxbot's, and therefore not copied: {', '.join(foreign)}.")


def _normal(source: str) -> str:
    """Return the address with the driver that we use, as the settings do."""
    from pydantic import SecretStr

    from wxbot.settings import checks

    try:
        return checks.database_url(SecretStr(source)).get_secret_value()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="SOURCE") from None


def _require_source(source: str, url: str) -> None:
    """Raise Failure when that is no database at this program's revision, or the configured one itself."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from wxbot.db import migrate

    try:
        is_same = make_url(source) == make_url(url)
    except ArgumentError:
        raise click.BadParameter("is no URL such as sqlite:///var/wxbot.db", param_hint="SOURCE") from None
    if is_same:
        raise click.BadParameter(
            "is the configured database; configure the new one first", param_hint="SOURCE"
        )
    revision = _known_revision(source)
    if revision is None:
        raise Failure("there is no database to copy from at SOURCE; is the path right, from this folder?")
    if revision != migrate.head():
        raise Failure(
            f"the database to copy from is at revision {revision}, this wxbot's is {migrate.head()}: "
            "configure it once more, run `wxbot db upgrade`, then come back"
        )


def _copied(source: str, url: str) -> "tuple[dict[str, int], list[str]]":
    from sqlalchemy.pool import NullPool

    from wxbot.db import copying, migrate
    from wxbot.db.engine import is_file, new_engine

    with progress("Making the tables"), _explained(url):
        migrate.upgrade(url)
    reading = _to_look(source)
    assert reading is not None  # its revision has just been read
    with _explained(source), reading.connect() as old, _explained(url), progress_bar("Copying") as tell:
        # One moment of the source for all tables.
        if is_file(source):
            old.exec_driver_sql("BEGIN")
        else:
            old.execution_options(isolation_level="REPEATABLE READ")
        with new_engine(url, poolclass=NullPool).begin() as new:
            return copying.copy(old, new, tell=tell), copying.foreign_tables(old)


def look(url: str, ask: "Callable[[Connection], Answer]") -> "Answer | None":
    """Return what `ask` finds in the database at `url`, None where there is none; nothing is written.

    Raises Failure for a file that is no database and for a server that does not let us in.
    """
    engine = _to_look(url)
    if engine is None:
        return None
    with _explained(url), engine.connect() as connection:
        return ask(connection)


def _revision_of(url: str) -> str | None:
    from wxbot.db.fit import revision_at

    return look(url, revision_at)


def _to_look(url: str) -> "Engine | None":
    """Return an engine that makes no file, None where there is no file."""
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool

    from wxbot.db.engine import is_file, new_engine

    if not is_file(url):
        return new_engine(url, poolclass=NullPool)
    parsed = make_url(url)
    if not Path(parsed.database or "").exists():
        return None
    return create_engine(_read_only(parsed), poolclass=NullPool)


def _database_url() -> str:
    from wxbot import settings

    return settings.load().database.url.get_secret_value()


def _known_revision(url: str) -> str | None:
    from wxbot.db import migrate

    revision = _revision_of(url)
    if revision is not None and revision > migrate.head():
        raise Failure(
            f"the database is at revision {revision}, which a newer wxbot has made; "
            f"this one knows {migrate.head()} and leaves it alone"
        )
    return revision


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what a file or a server may do to us into one line."""
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.db.faults import in_words, is_disconnect, is_refusal

    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        kind = OutOfReach if is_disconnect(error) and not is_refusal(error) else Failure
        raise kind(in_words(error, url)) from None


def _read_only(url: "URL") -> "URL":
    path = quote(str(Path(url.database or "").absolute()))
    return url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})


def _report(before: str | None, after: str | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"before": before, "revision": after})
    elif before == after:
        click.echo(f"The database is at revision {after} already.")
    else:
        click.echo(f"The database went from revision {before or 'none'} to {after or 'none'}.")
