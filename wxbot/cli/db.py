"""`wxbot db`: the revision of the database."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from wxbot.cli.output import Failure, json_option, print_json, progress

if TYPE_CHECKING:
    from sqlalchemy import URL


@click.group()
def db() -> None:
    """Look at the database's revision, and change it."""


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

    What the later revisions keep is lost. Make a copy of the file first.
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

    revision = revision_of(_database_url())
    if as_json:
        print_json({"revision": revision, "newest": migrate.head()})
    elif revision is None:
        click.echo(f"There is no database yet; the newest revision is {migrate.head()}.")
    else:
        newest = "the newest" if revision == migrate.head() else f"the newest is {migrate.head()}"
        click.echo(f"The database is at revision {revision}; {newest}.")


def revision_of(url: str) -> str | None:
    """Return the revision of the database at `url`, None where there is none; nothing is written.

    Raises Failure for a file that is no database.
    """
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool

    from wxbot.db import migrate

    parsed = make_url(url)
    if not Path(parsed.database or "").exists():
        return None
    engine = create_engine(_read_only(parsed), poolclass=NullPool)
    with _explained(url):
        return migrate.current(engine)


def _database_url() -> str:
    from wxbot import settings

    return settings.load().database.url


def _known_revision(url: str) -> str | None:
    from wxbot.db import migrate

    revision = revision_of(url)
    if revision is not None and revision > migrate.head():
        raise Failure(
            f"the database is at revision {revision}, which a newer wxbot has made; "
            f"this one knows {migrate.head()} and leaves it alone"
        )
    return revision


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what a file may do to us into one line."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise Failure(f"the database {url} cannot be used: {reason}") from None


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
